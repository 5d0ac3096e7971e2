/**
 * Tables are compressed when they leave memory, not when they are built: what was merged meanwhile is
 * never compressed at all. The bytes that are stored are those of a table compressed at once, and
 * whoever reads a table while it is compressed notices nothing.
 */
import { expect, test } from "vitest";
import { MemoryBlobStore, blockHeader, inspectTable, stateKey } from "../../state-engine/index.ts";
import type { ScanEntry, StateEngine } from "../../state-engine/index.ts";
import { DEFAULT_TUNING } from "../../state-engine/options.ts";
import { compressTable } from "../../state-engine/sst/compress-table.ts";
import { TableBuilder } from "../../state-engine/sst/table-builder.ts";
import type { BuiltTable } from "../../state-engine/sst/table-builder.ts";
import { PLAIN_STATE, TINY, openEngine, testEnvironment } from "./engine-fixture.ts";

const DEFLATED = {
  ...TINY,
  compression: "deflate-raw",
  blockBytes: 512,
  tableBytes: 4096,
} as const;
const ENTRIES = 400;
/** Its number in a frame. */
const DEFLATE_RAW = 1;

function entry(index: number): { readonly key: Uint8Array; readonly value: Uint8Array } {
  const key = stateKey(index >> 6, PLAIN_STATE, Uint8Array.of(index >> 8, index));
  return { key, value: new Uint8Array(20 + (index % 40)).fill(index) };
}

function put(engine: StateEngine, index: number): void {
  const { key, value } = entry(index);
  engine.put(key, 0, key.length, value, 0, value.length);
}

function build(isDeferred: boolean): BuiltTable {
  const tuning = { ...DEFAULT_TUNING, ...DEFLATED };
  const builder = new TableBuilder(testEnvironment(), tuning, 0, isDeferred);
  for (let index = 0; index < ENTRIES; index++) {
    const { key, value } = entry(index);
    builder.add(key, 0, key.length, -1, 1, value, 0, value.length, index % 3 ? Infinity : 5e12);
  }
  const end = entry(ENTRIES - 1).key;
  builder.addDeletedRange(entry(0).key, end);
  return builder.finish(1, ENTRIES);
}

const EXPECTED = Array.from({ length: ENTRIES }, (_, index) => entry(index));

async function entriesOf(engine: StateEngine): Promise<readonly ScanEntry[]> {
  return (await engine.scan({ limit: ENTRIES * 2 })).entries;
}

test("a table compressed late has the bytes of one compressed at once", () => {
  const late = build(true);
  const atOnce = build(false);
  expect(atOnce.expectedBytes).toBeUndefined();
  expect(late.bytes.length).toBeGreaterThan(atOnce.bytes.length * 1.5);
  const { expectedBytes = 0 } = late;
  expect(expectedBytes / atOnce.bytes.length).toBeCloseTo(1, 0);
  const { bytes, indexOffset } = compressTable(
    late.bytes,
    "deflate-raw",
    expectedBytes,
    testEnvironment(),
    "a table",
  );
  expect(indexOffset).toBe(atOnce.indexOffset);
  expect(bytes).toEqual(atOnce.bytes);
});

test("what a checkpoint stores is compressed, and was not before", async () => {
  const environment = testEnvironment();
  const blobStore = new MemoryBlobStore(environment);
  const engine = openEngine({ environment, blobStore, tuning: DEFLATED });
  for (let index = 0; index < ENTRIES; index++) put(engine, index);
  while (await engine.maintain());
  const heldBefore = engine.usedBytes;
  const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
  const persisted = await engine.persist(engine.freeze(), options);
  expect(engine.usedBytes).toBeLessThan(heldBefore);
  expect(await entriesOf(engine)).toEqual(EXPECTED);
  for (const { path, offset, size } of persisted.tables) {
    const bytes = (await blobStore.getRange(path, offset, size))!;
    const { blocks } = inspectTable(bytes, environment, path);
    for (const block of blocks) expect(blockHeader(bytes, block).codec).toBe(DEFLATE_RAW);
  }
  const stored = persisted.tables.reduce((sum, { size }) => sum + size, 0);
  expect(engine.statistics().tableBytes).toBe(stored);
  expect(
    await entriesOf(openEngine({ environment, blobStore, from: persisted, tuning: DEFLATED })),
  ).toEqual(EXPECTED);
});

test("tables that travel inline are compressed too", async () => {
  const engine = openEngine({ tuning: DEFLATED });
  for (let index = 0; index < ENTRIES; index++) put(engine, index);
  const options = { mode: "incremental", inlineLimitBytes: 1e6 } as const;
  const persisted = await engine.persist(engine.freeze(), options);
  const stored = persisted.tables.reduce((sum, { inline }) => sum + atob(inline!).length, 0);
  expect(stored).toBe(persisted.uploadedBytes);
  expect(stored).toBeLessThan(ENTRIES * 30);
});

/** In no order of keys, so that compactions merge; the last of them is under way at the end. */
async function putAndFlush(engine: StateEngine): Promise<void> {
  for (let index = 0; index < ENTRIES; index++) {
    put(engine, (index * 7) % ENTRIES);
    if (index % 30 === 29) await engine.maintain();
  }
}

test.for([0, 1, 2, 5, 9, 20, 40])(
  "a compaction %i slices under way goes on when memory gets scarce and what it reads is compressed and let go",
  async (slices) => {
    const environment = testEnvironment(1024 * 1024);
    const engine = openEngine({ environment, tuning: { ...DEFLATED, memtableEntries: 30 } });
    await putAndFlush(engine);
    for (let slice = 0; slice < slices; slice++) await engine.maintain();
    const others = Array.from({ length: 200 }, () => ({ usedBytes: 0 }));
    for (const other of others) environment.memory.join(other);
    while (await engine.maintain());
    for (const other of others) environment.memory.leave(other);
    expect(await entriesOf(engine)).toEqual(EXPECTED);
  },
);

test("a compaction under way goes on when a checkpoint compresses what it reads", async () => {
  const environment = testEnvironment();
  const engine = openEngine({ environment, tuning: { ...DEFLATED, memtableEntries: 30 } });
  await putAndFlush(engine);
  const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
  const confirm = async (): Promise<void> =>
    engine.confirm(await engine.persist(engine.freeze(), options));
  for (let slice = 0; slice < 20; slice++) await engine.maintain();
  const scanned = entriesOf(engine);
  await confirm();
  expect(await scanned).toEqual(EXPECTED);
  while (await engine.maintain());
  await confirm();
  expect(await entriesOf(engine)).toEqual(EXPECTED);
});
