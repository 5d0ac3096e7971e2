/**
 * One work on one side, in this process: `node one-side.ts tableGets weir 1`. Prints its figures as JSON.
 */
import { works } from "./works.ts";
import type { WorkName } from "./works.ts";

const [name, side, scale] = process.argv.slice(2);
const work = works[name as WorkName];
const figures = side === "level" ? work.level(Number(scale)) : work.weir(Number(scale));
console.log(JSON.stringify(await figures));
