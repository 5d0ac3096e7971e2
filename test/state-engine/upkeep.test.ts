/**
 * What writes wait for: neither memory nor the number of runs grows without end, whatever the pace.
 */
import { expect, test } from "vitest";
import { stateKey } from "../../state-engine/index.ts";
import type { StateEngine } from "../../state-engine/index.ts";
import { PLAIN_STATE, TINY, openEngine, testEnvironment } from "./engine-fixture.ts";

const KIBIBYTE = 1024;

function put(engine: StateEngine, index: number, length = 3): void {
  const key = stateKey(index % 8, PLAIN_STATE, Uint8Array.of(0x61, index >> 8, index));
  engine.put(key, 0, key.length, new Uint8Array(length).fill(index), 0, length);
}

test("writes give way to compaction when runs pile up faster than background work merges them", async () => {
  const engine = openEngine();
  let mostRuns = 0;
  for (let round = 0; round < 400; round++) {
    for (let index = 0; index < 4; index++) put(engine, round * 4 + index);
    engine.discard(engine.freeze());
    // A flush and no more: never a slice of compaction.
    await engine.maintain();
    await engine.admit(64);
    const runs = engine.statistics().levels.reduce((sum, level) => sum + level.runs, 0);
    mostRuns = Math.max(mostRuns, runs);
  }
  expect(mostRuns).toBeGreaterThan(30);
  expect(mostRuns).toBeLessThanOrEqual(40);
  const { operations } = engine.statistics();
  expect(operations.stalls).toBeGreaterThan(0);
});

test("what a scan froze waits in memory until there is enough for a table", async () => {
  const engine = openEngine({ tuning: { ...TINY, memtableEntries: 1_000 } });
  for (let index = 0; index < 5; index++) {
    put(engine, index);
    engine.snapshot().release();
    await engine.maintain();
  }
  expect(engine.statistics().operations.flushes).toBe(0);
  for (let index = 5; index < 9; index++) {
    put(engine, index);
    engine.snapshot().release();
    await engine.maintain();
  }
  expect(engine.statistics().operations.flushes).toBe(1);
  const { entries } = await engine.scan({});
  expect(entries).toHaveLength(9);
});

test("writes that ask first never pass the share: they wait before, and what they wrote is all there", async () => {
  const limitBytes = 2_048 * KIBIBYTE;
  const engine = openEngine({
    environment: testEnvironment(limitBytes),
    tuning: { compression: "none" },
  });
  const batch = 16;
  let most = 0;
  for (let index = 0; index < 3_000; index++) {
    if (index % batch === 0) await engine.admit(batch * 2 * KIBIBYTE);
    put(engine, index, KIBIBYTE);
    most = Math.max(most, engine.usedBytes);
    if (index % 64 === 0) await engine.maintain();
  }
  expect(engine.statistics().operations.stalls).toBeGreaterThan(0);
  // The share leaves an eighth of the pool for requests and cursors.
  expect(most).toBeLessThanOrEqual(limitBytes);
  let count = 0;
  let next: { start?: Uint8Array } | undefined = {};
  while (next !== undefined) {
    const page = await engine.scan(next);
    count += page.entries.length;
    next = page.next as { start: Uint8Array } | undefined;
  }
  expect(count).toBe(3_000);
});
