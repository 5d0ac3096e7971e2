/**
 * Freezing for a checkpoint takes the same work however much is in memory. The work is counted, not timed: how
 * often each piece of the engine's code runs, as V8 counts for coverage, and bytes of arrays that are made.
 */
import { Session } from "node:inspector/promises";
import { expect, test } from "vitest";
import { stateKey } from "../../state-engine/index.ts";
import type { StateEngine } from "../../state-engine/index.ts";
import { PLAIN_STATE, openEngine } from "./engine-fixture.ts";

function filledEngine(entries: number): StateEngine {
  const engine = openEngine({ tuning: { compression: "none" } });
  for (let index = 0; index < entries; index++) {
    const key = stateKey(index % 8, PLAIN_STATE, Uint8Array.of(index >> 16, index >> 8, index));
    engine.put(key, 0, key.length, key, 0, key.length);
  }
  return engine;
}

/** How often the parts of the engine's code run, together, and the bytes that arrays grow by. */
async function workOfFreeze(engine: StateEngine): Promise<{ runs: number; arrayBytes: number }> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  await session.post("Profiler.takePreciseCoverage");
  const before = process.memoryUsage().arrayBuffers;
  engine.freeze();
  const arrayBytes = process.memoryUsage().arrayBuffers - before;
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  const counts = result
    .filter(({ url }) => url.includes("/state-engine/") && !url.includes("/test/"))
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
    .map(({ count }) => count);
  return { runs: counts.reduce((sum, count) => sum + count, 0), arrayBytes };
}

test("freeze() runs as much code for 50,000 entries as for 50, and copies none of them", async () => {
  const [small, large] = [filledEngine(50), filledEngine(50_000)];
  expect(large.usedBytes).toBeGreaterThan(small.usedBytes + 1_000_000);
  // What runs for the first time also sets modules up.
  await workOfFreeze(filledEngine(50));
  const least = await workOfFreeze(small);
  const most = await workOfFreeze(large);
  expect(least.runs).toBeGreaterThan(0);
  expect(most.runs).toBe(least.runs);
  expect(most.arrayBytes).toBeLessThanOrEqual(Math.max(least.arrayBytes, 64 * 1024));
  expect(small.statistics().memtableBytes).toBeGreaterThan(0);
});
