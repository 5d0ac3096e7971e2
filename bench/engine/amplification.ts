/**
 * What uniform updates of a settled state cost in the bucket, with the real engine: 64 MB of state,
 * 4 MB of updates per checkpoint. Counts what is in the store and what is put into it.
 */
import { atMost } from "./bars.ts";
import type { PartReport } from "./report.ts";
import type { StateEngine } from "../../state-engine/index.ts";
import { MemoryBlobStore } from "../../state-engine/index.ts";
import { KEY_BYTES, PLAIN_STATE, VALUE_BYTES, Workload, uniformIndexes } from "./workload.ts";
import { openWeir, putEntries, settle, weirEnvironment } from "./weir-side.ts";

const ENTRY_BYTES = KEY_BYTES + VALUE_BYTES;
const CHECKPOINTS = 60;

export async function measureAmplification(scale: number): Promise<PartReport> {
  const workload = new Workload(Math.floor((64e6 / ENTRY_BYTES) * scale), PLAIN_STATE, false);
  const updates = Math.floor((4e6 / ENTRY_BYTES) * scale);
  const blobStore = new MemoryBlobStore(weirEnvironment(0));
  const tuning = {
    compression: "none" as const,
    // One flush a checkpoint, and tables in the same proportion to the state at every scale.
    memtableBytes: 64e6,
    tableBytes: 8 * 1024 * 1024 * scale,
  };
  const engine = openWeir({ blobStore, tuning });
  putEntries(engine, workload, 0, workload.entries);
  const { tableBytes } = (await checkpointed(engine)).statistics;
  const before = engine.statistics().operations;
  const order = uniformIndexes(updates * CHECKPOINTS, workload.entries);
  let space = 0;
  let largest = 0;
  for (let checkpoint = 0; checkpoint < CHECKPOINTS; checkpoint++) {
    for (const index of order.subarray(checkpoint * updates, (checkpoint + 1) * updates)) {
      putEntries(engine, workload, index, index + 1);
    }
    const { statistics } = await checkpointed(engine);
    space += statistics.tableBytes / tableBytes;
    largest = Math.max(largest, statistics.tableBytes / tableBytes);
  }
  const after = engine.statistics().operations;
  const written = after.bytesWritten - before.bytesWritten;
  const flushed = after.flushedBytes - before.flushedBytes;
  const average = space / CHECKPOINTS;
  const spentOn =
    "Compactions decide it: how often an entry is written anew, and how long old ones stay.";
  return {
    text: `\nUniform updates, ${(64 * scale).toFixed(0)} MB of state, ${(4 * scale).toFixed(1)} MB a checkpoint, ${CHECKPOINTS} checkpoints; space at most ${largest.toFixed(2)} times the state.`,
    bars: [
      atMost("write amplification of uniform updates", written / flushed, 4, spentOn),
      atMost("PUTs a flush", (after.puts - before.puts) / CHECKPOINTS, 2.5, spentOn),
      atMost("space against the state, average", average, 1.35, spentOn),
    ],
  };
}

/** Compactions that are due are done between two checkpoints, as a task does. */
async function checkpointed(engine: StateEngine) {
  await settle(engine);
  return { statistics: engine.statistics() };
}
