import { expectPromises } from "./expect-promises.ts";

expectPromises(201, 300);
