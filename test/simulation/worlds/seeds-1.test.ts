import { expectPromises } from "./expect-promises.ts";

expectPromises(1, 100);
