/**
 * State that is deleted or expires goes away by itself, without new tables having to pile up first.
 */
import { describe, expect, test } from "vitest";
import { stateKey } from "../../state-engine/index.ts";
import type { StateEngine } from "../../state-engine/index.ts";
import { PLAIN_STATE, openEngine } from "./engine-fixture.ts";

const KEYS = 400;
/** One memtable holds everything, and four runs would have to come together for a compaction. */
const tuning = { blockBytes: 256, tableBytes: 4_096, memtableEntries: 100_000 };

function keyOf(index: number): Uint8Array {
  return stateKey(index % 8, PLAIN_STATE, Uint8Array.of(index >> 8, index));
}

function fill(engine: StateEngine, expiresAt: (index: number) => number): void {
  for (let index = 0; index < KEYS; index++) {
    const key = keyOf(index);
    engine.put(key, 0, key.length, key, 0, key.length, expiresAt(index));
  }
}

/** Flushes what there is as one run and compacts as long as there is a reason to. */
async function settle(engine: StateEngine): Promise<number> {
  engine.discard(engine.freeze());
  while (await engine.maintain());
  return engine.statistics().tableEntries;
}

describe("Entries that are dead", () => {
  test("begin a compaction when deletions are a third of them, and not before", async () => {
    const engine = openEngine({ tuning });
    fill(engine, () => Infinity);
    expect(await settle(engine)).toBe(KEYS);
    for (let index = 0; index < 100; index++) engine.delete(keyOf(index), 0, keyOf(index).length);
    expect(await settle(engine)).toBe(KEYS + 100);
    for (let index = 100; index < 140; index++) engine.delete(keyOf(index), 0, keyOf(index).length);
    expect(await settle(engine)).toBe(KEYS - 140);
    expect(engine.statistics().operations.compactions).toBe(1);
  });

  test("begin a compaction when half of them has expired, and not before", async () => {
    const engine = openEngine({ tuning });
    fill(engine, (index) => 1_000 + index);
    expect(await settle(engine)).toBe(KEYS);
    engine.advanceTime(1_000 + KEYS / 2 - 2);
    expect(await settle(engine)).toBe(KEYS);
    engine.advanceTime(1_000 + KEYS / 2);
    expect(await settle(engine)).toBe(KEYS / 2 - 1);
    expect((await engine.scan({})).entries).toHaveLength(KEYS / 2 - 1);
    engine.advanceTime(1_000 + KEYS);
    expect(await settle(engine)).toBe(0);
    expect(engine.statistics().tables).toBe(0);
  });

  test("cost one compaction when the guess of how many have expired is wrong", async () => {
    const engine = openEngine({ tuning });
    // One expires early, all others at the very end.
    fill(engine, (index) => (index === 0 ? 1 : 1_000));
    await settle(engine);
    for (let time = 500; time < 1_000; time += 50) {
      engine.advanceTime(time);
      await settle(engine);
    }
    expect(engine.statistics().tableEntries).toBe(KEYS - 1);
    expect(engine.statistics().operations.compactions).toBe(1);
  });

  test("are known without a read after a restore", async () => {
    const engine = openEngine({ tuning });
    fill(engine, (index) => 1_000 + index);
    const persisted = await engine.persist(engine.freeze(), {
      mode: "incremental",
      inlineLimitBytes: 1_000_000,
    });
    const restored = openEngine({ tuning, from: persisted });
    restored.advanceTime(1_000);
    expect(await restored.maintain()).toBe(false);
    restored.advanceTime(2_000);
    while (await restored.maintain());
    expect(restored.statistics().tables).toBe(0);
  });
});
