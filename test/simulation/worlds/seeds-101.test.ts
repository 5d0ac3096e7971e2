import { expectPromises } from "./expect-promises.ts";

expectPromises(101, 200);
