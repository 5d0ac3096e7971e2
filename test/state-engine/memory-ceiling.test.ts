/**
 * The small form of test/deep/engine/memory-ceiling.ts: the same work with a quarter of the memory, and
 * four times as much state as memory.
 */
import { expect, test } from "vitest";
import { measureMemory } from "../deep/engine/memory-ceiling.ts";

const MEBIBYTE = 1024 * 1024;
const BUDGET_BYTES = 6 * MEBIBYTE;

test("an engine with a budget of 6 MiB and 24 MiB of state, doing everything at once, keeps 12 MiB alive and leaves next to nothing to the collector", async () => {
  const result = await measureMemory({
    budgetBytes: BUDGET_BYTES,
    stateBytes: 24 * MEBIBYTE,
    checkpointBytes: 3 * MEBIBYTE,
    seed: 1,
    hasEngine: true,
  });
  // The newest of it may still be in a memtable.
  expect(result.tableBytes).toBeGreaterThan(18 * MEBIBYTE);
  expect(result.checkpoints).toBeGreaterThan(3);
  expect(result.scanned).toBeGreaterThan(5_000);
  expect(result.collections).toBeGreaterThan(8);
  expect(result.peakLiveBytes).toBeLessThan(12 * MEBIBYTE);
  // What a compaction reads and writes at once; more of it when the machine is busy.
  expect(result.peakDeadBufferBytes).toBeLessThan(BUDGET_BYTES / 4);
}, 180_000);
