/** How much is compacted before a write, from the number of runs and the work left. */
import { expect, test } from "vitest";
import { bytesToCompact } from "../../state-engine/compaction/run-pace.ts";

const RULES = { quietRuns: 32, mostRuns: 40 };

test("few runs hold no write up, and too many hold all up", () => {
  const load = { leftBytes: 1e9, flushBytes: 4e6 };
  expect(bytesToCompact(64_000, { ...load, runs: 16 }, RULES)).toBe(0);
  expect(bytesToCompact(64_000, { ...load, runs: 41 }, RULES)).toBe(Infinity);
});

test("the work left is done by the time the bound is reached, at any size of batches", () => {
  for (const batchBytes of [10_000, 64_000, 1_000_000]) {
    let leftBytes = 1e9;
    let written = 0;
    // As many flushes as there is room for.
    while (written < 21 * 4e6) {
      const runs = 20 + Math.floor(written / 4e6);
      leftBytes -= Math.min(
        leftBytes,
        bytesToCompact(batchBytes, { runs, leftBytes, flushBytes: 4e6 }, RULES),
      );
      written += batchBytes;
    }
    expect(leftBytes).toBeLessThan(1e9 / 20);
  }
});
