/**
 * The small form of test/deep/engine/memory-ceiling.ts: the same work in a quarter of the memory.
 */
import { expect, test } from "vitest";
import { measureMemory } from "../deep/engine/memory-ceiling.ts";

const MEBIBYTE = 1024 * 1024;

test("an engine with a budget of 6 MiB and 64 MiB of state, doing everything at once, keeps 10 MiB alive", async () => {
  const result = await measureMemory({
    budgetBytes: 6 * MEBIBYTE,
    stateBytes: 64 * MEBIBYTE,
    checkpointBytes: 8 * MEBIBYTE,
    seed: 1,
  });
  expect(result.tableBytes).toBeGreaterThan(64 * MEBIBYTE);
  expect(result.checkpoints).toBeGreaterThan(3);
  expect(result.scanned).toBeGreaterThan(10_000);
  expect(result.collections).toBeGreaterThan(30);
  expect(result.peakLiveBytes).toBeLessThan(10 * MEBIBYTE);
}, 180_000);
