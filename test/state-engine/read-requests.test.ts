/** What reads ask of the store: a batch one request a table, and filters that keep most requests away. */
import { describe, expect, test } from "vitest";
import { MemoryBlobStore, stateKey } from "../../state-engine/index.ts";
import type { EngineTuning, PersistedState, StateEngine } from "../../state-engine/index.ts";
import { hash32 } from "../../state-engine/bytes/hash.ts";
import { buildBloomFilter, mayContain } from "../../state-engine/sst/bloom-filter.ts";
import { RecordingBlobStore } from "../blob-store/recording-blob-store.ts";
import { PLAIN_STATE, openEngine, testEnvironment } from "./engine-fixture.ts";

const TABLES = 3;
const ENTRIES = 6_000;
const text = new TextEncoder();
const keyOf = (index: number): Uint8Array =>
  stateKey(0, PLAIN_STATE, text.encode(String(index).padStart(8, "0")));
const valueOf = (index: number): Uint8Array => text.encode(`value ${index}`);

interface Cold {
  readonly engine: StateEngine;
  readonly store: RecordingBlobStore;
  /** Objects of the tables above the bottom. */
  readonly tiers: ReadonlySet<string>;
}

/** Key i is in table i mod 3 alone; the first of them is the bottom. */
async function openCold(tuning: Partial<EngineTuning>): Promise<Cold> {
  const environment = testEnvironment();
  const store = new RecordingBlobStore(new MemoryBlobStore(environment));
  const writer = openEngine({ environment, blobStore: store, tuning });
  let from: PersistedState | undefined;
  for (let table = 0; table < TABLES; table++) {
    for (let index = table; index < ENTRIES; index += TABLES) {
      const [key, value] = [keyOf(index), valueOf(index)];
      writer.put(key, 0, key.length, value, 0, value.length);
    }
    from = await writer.persist(writer.freeze(), { mode: "incremental", inlineLimitBytes: 0 });
    writer.confirm(from);
  }
  writer.close();
  expect(from!.tables).toHaveLength(TABLES);
  store.forgetCalls();
  const tiers = new Set(from!.tables.filter(({ level }) => level < 6).map(({ path }) => path));
  return {
    engine: openEngine({ environment, blobStore: store, from: from!, tuning }),
    store,
    tiers,
  };
}

/** Reads of the tiers' blocks that 600 keys of the bottom cost, one after the other. */
async function tierReads(tuning: Partial<EngineTuning>): Promise<number> {
  const { engine, store, tiers } = await openCold({ blockBytes: 512, ...tuning });
  // Opens all three.
  for (let table = 0; table < TABLES; table++) await engine.get(keyOf(table));
  store.forgetCalls();
  for (let index = 0; index < ENTRIES; index += TABLES * 3) {
    expect(await engine.get(keyOf(index))).toEqual(valueOf(index));
  }
  engine.close();
  return store.calls.filter((call) => tiers.has(call.split(" ")[1]!)).length;
}

describe("Reads of a cold engine", () => {
  test("get 300 keys of three tables with a request for each table's tail and one for its blocks", async () => {
    const { engine, store } = await openCold({});
    const keys = Array.from({ length: 300 }, (_, index) => keyOf(index * 20));
    expect(await engine.fetch(keys)).toBe(keys.length);
    expect(new Set(store.calls.map((call) => call.split(" ")[1])).size).toBe(TABLES);
    expect(store.calls).toHaveLength(2 * TABLES);
    for (const [index, key] of keys.entries()) {
      expect(engine.lookup(key, 0, key.length)).toEqual(valueOf(index * 20));
    }
    expect(store.calls).toHaveLength(2 * TABLES);
  });

  test("leave the tables alone whose filters deny the key", async () => {
    const withoutFilters = await tierReads({ filterMinimumEntries: Infinity });
    const withFilters = await tierReads({});
    expect(withoutFilters).toBeGreaterThan(100);
    expect(withFilters).toBeGreaterThan(0);
    expect(withFilters).toBeLessThan(withoutFilters / 5);
  });
});

describe("A filter", () => {
  const COUNT = 200_000;
  const hashes = Uint32Array.from({ length: COUNT }, (_, index) =>
    hash32(text.encode(`key ${index}`)),
  );
  const filter = buildBloomFilter(hashes, COUNT);

  test("takes ten bits a key and denies none of them", () => {
    expect(filter).toHaveLength((COUNT * 10) / 8 + 1);
    expect(hashes.every((hash) => mayContain(filter, hash))).toBe(true);
  });

  test("lets about one in a hundred other keys pass", () => {
    let passed = 0;
    for (let index = 0; index < COUNT; index++) {
      if (mayContain(filter, hash32(text.encode(`other ${index}`)))) passed++;
    }
    expect(passed / COUNT).toBeGreaterThan(0.006);
    expect(passed / COUNT).toBeLessThan(0.012);
  });
});
