import { expectPromises } from "./expect-promises.ts";

expectPromises(301, 400);
