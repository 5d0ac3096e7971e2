/** Prints the shares of a pool of 100 bytes with 10 members, and after 8 of them became garbage. */
import { SharedMemoryPool } from "../../state-engine/index.ts";
import type { MemoryMember } from "../../state-engine/environment.ts";

const pool = new SharedMemoryPool(100);
const kept: MemoryMember[] = [];

function joinAll(): void {
  for (let index = 0; index < 10; index++) {
    const member = { usedBytes: index };
    pool.join(member);
    if (index < 2) kept.push(member);
  }
}

joinAll();
const before = pool.share();
// What a WeakRef was asked for stays alive until the task is over.
await new Promise((resolve) => setImmediate(resolve));
globalThis.gc!();
// Looked for now and then: asking often is asking late enough.
for (let asked = 0; asked < 64; asked++) pool.share();
const after = pool.share();
process.stdout.write(JSON.stringify({ before, after }));
if (kept.length !== 2) throw new Error("Two members are kept.");
