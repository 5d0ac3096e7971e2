/**
 * One work on one side, in this process: `node one-side.ts tableGets weir 1`. Prints its figures as JSON.
 */
import { works } from "./works.ts";
import type { WorkName } from "./works.ts";

const [name, side, scale] = process.argv.slice(2);
const work = works[name as WorkName];
const run = side === "level" ? work.level : work.weir;
console.log(JSON.stringify(await run(Number(scale))));
