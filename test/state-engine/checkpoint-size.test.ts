/**
 * What a checkpoint costs follows what changed, not what there is.
 */
import { expect, test } from "vitest";
import { MemoryBlobStore, encodeInt64, stateKey, stateKeyHash } from "../../state-engine/index.ts";
import type { PersistedState, StateEngine } from "../../state-engine/index.ts";
import { COUNT_STATE, openEngine, testEnvironment } from "./engine-fixture.ts";

const KEYS = 200_000;
const OPTIONS = { mode: "incremental", inlineLimitBytes: 20_480 } as const;

function countKey(index: number): Uint8Array {
  const name = new TextEncoder().encode(`key-${Math.imul(index, 0x9e3779b1) >>> 0}`);
  return stateKey(index % 8, COUNT_STATE, name);
}

function add(engine: StateEngine, from: number, to: number): void {
  for (let index = from; index < to; index++) {
    const key = countKey(index % KEYS);
    engine.mergeInt64(key, 0, key.length, stateKeyHash(key, 0, key.length), 1);
  }
}

async function checkpoint(engine: StateEngine): Promise<PersistedState> {
  const persisted = await engine.persist(engine.freeze(), OPTIONS);
  engine.confirm(persisted);
  return persisted;
}

const stateBytes = (persisted: PersistedState): number =>
  persisted.tables.reduce((sum, { size }) => sum + size, 0);

test("changing 1 % of 200,000 keys uploads less than 5 % of the state, and with all compaction 6 % on average", async () => {
  const environment = testEnvironment();
  const blobStore = new MemoryBlobStore(environment);
  const engine = openEngine({ environment, blobStore, tuning: {} });
  for (let from = 0; from < KEYS; from += 5_000) {
    add(engine, from, from + 5_000);
    await engine.maintain();
  }
  const first = await checkpoint(engine);
  const size = stateBytes(first);
  let uploaded = 0;
  let firstUpload: number | undefined;
  for (let round = 0; round < 40; round++) {
    while (await engine.maintain());
    add(engine, round * 2_000, (round + 1) * 2_000);
    const persisted = await checkpoint(engine);
    firstUpload ??= persisted.uploadedBytes;
    uploaded += persisted.uploadedBytes;
  }
  expect(firstUpload).toBeLessThan(size * 0.05);
  expect(uploaded / 40).toBeLessThan(size * 0.06);
  while (await engine.maintain());
  const key = countKey(7);
  await expect(engine.get(key)).resolves.toEqual(encodeInt64(2));
});

test("a checkpoint after no change lists the same tables and uploads nothing, compacted or not", async () => {
  const noted: string[] = [];
  const engine = openEngine({ noted });
  add(engine, 0, 200);
  const first = await checkpoint(engine);
  const uploads = noted.length;
  while (await engine.maintain());
  const second = await checkpoint(engine);
  expect(second.tables).toEqual(first.tables);
  expect(second.uploadedBytes).toBe(0);
  expect(noted).toHaveLength(uploads);
});

test("a small state travels inline and needs no object", async () => {
  const noted: string[] = [];
  const environment = testEnvironment();
  const blobStore = new MemoryBlobStore(environment);
  const engine = openEngine({ environment, blobStore, noted, tuning: {} });
  for (let round = 0; round < 5; round++) {
    add(engine, round * 100, round * 100 + 100);
    await checkpoint(engine);
  }
  expect(noted).toEqual([]);
  await expect(blobStore.list("")).resolves.toEqual([]);
});

test("opening reads nothing, and a point read then reads a tail and a block", async () => {
  const environment = testEnvironment();
  const blobStore = new MemoryBlobStore(environment);
  const engine = openEngine({ environment, blobStore, tuning: {} });
  add(engine, 0, 50_000);
  const persisted = await checkpoint(engine);
  engine.close();
  const restored = openEngine({ environment, blobStore, from: persisted, tuning: {} });
  expect(restored.statistics().operations.gets).toBe(0);
  await expect(restored.get(countKey(17))).resolves.toEqual(encodeInt64(1));
  expect(restored.statistics().operations.gets).toBe(2);
});

test("tables of a checkpoint that was given up are written again under new paths", async () => {
  const noted: string[] = [];
  const engine = openEngine({ noted, tuning: {} });
  add(engine, 0, 5_000);
  const first = await engine.persist(engine.freeze(), { ...OPTIONS, inlineLimitBytes: 0 });
  const second = await engine.persist(engine.freeze(), { ...OPTIONS, inlineLimitBytes: 0 });
  expect(first.tables[0]!.path).not.toBe(second.tables[0]!.path);
  engine.confirm(second);
  add(engine, 5_000, 5_010);
  const third = await engine.persist(engine.freeze(), { ...OPTIONS, inlineLimitBytes: 0 });
  expect(third.tables.map(({ path }) => path)).toContain(second.tables[0]!.path);
});
