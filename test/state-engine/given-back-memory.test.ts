/**
 * Memory is given back at once when nobody reads it any more, and never before.
 */
import { expect, test } from "vitest";
import { MemoryBlobStore, StateEngineError, stateKey } from "../../state-engine/index.ts";
import type { PersistOptions, StateEngine } from "../../state-engine/index.ts";
import { BlockCache } from "../../state-engine/read/block-cache.ts";
import { BlockLoader } from "../../state-engine/read/block-loader.ts";
import { PassWindow } from "../../state-engine/read/pass-window.ts";
import { Table } from "../../state-engine/sst/table.ts";
import { makeRun } from "../../state-engine/version/version.ts";
import { freeBytes } from "../../state-engine/bytes/free.ts";
import { PLAIN_STATE, TINY, openEngine, testEnvironment } from "./engine-fixture.ts";

const INTO_OBJECTS: PersistOptions = { mode: "incremental", inlineLimitBytes: 0 };
const MEBIBYTE = 1024 * 1024;

function put(engine: StateEngine, index: number, length = 3): void {
  const key = stateKey(index % 8, PLAIN_STATE, Uint8Array.of(0x61, index));
  engine.put(key, 0, key.length, new Uint8Array(length).fill(index), 0, length);
}

async function valuesOf(engine: StateEngine): Promise<number[]> {
  const { entries } = await engine.scan({});
  return entries.map(({ value }) => value[0]!).sort((left, right) => left - right);
}

test("only an array that is the whole of its buffer is freed", () => {
  const whole = new Uint8Array(16);
  const part = new Uint8Array(32).subarray(0, 16);
  freeBytes(whole);
  freeBytes(part);
  expect([whole.length, part.length]).toEqual([0, 16]);
});

test("what was frozen is persisted though it was flushed and compacted away meanwhile", async () => {
  const blobStore = new MemoryBlobStore(testEnvironment());
  const engine = openEngine({ blobStore });
  for (let index = 0; index < 12; index++) put(engine, index);
  const frozen = engine.freeze();
  for (let index = 12; index < 40; index++) {
    put(engine, index);
    // Writes on either side of a barrier are not flushed together.
    if (index % 4 === 0) engine.discard(engine.freeze());
  }
  while (await engine.maintain());
  expect(engine.statistics().operations.compactions).toBeGreaterThan(0);
  const persisted = await engine.persist(frozen, INTO_OBJECTS);
  const restored = openEngine({ blobStore, from: persisted });
  expect(await valuesOf(restored)).toEqual(Array.from({ length: 12 }, (_, index) => index));
  expect(await valuesOf(engine)).toEqual(Array.from({ length: 40 }, (_, index) => index));
});

test("a snapshot that is released while a scan of it waits does not take the scan's memory away", async () => {
  const blobStore = new MemoryBlobStore(testEnvironment());
  const first = openEngine({ blobStore });
  for (let index = 0; index < 12; index++) put(first, index);
  const from = await first.persist(first.freeze(), INTO_OBJECTS);
  const engine = openEngine({ blobStore, from });
  for (let index = 12; index < 15; index++) put(engine, index);
  const snapshot = engine.snapshot();
  const scan = engine.scan({ snapshot });
  snapshot.release();
  while (await engine.maintain());
  const { entries } = await scan;
  expect(entries.map(({ value }) => value[0]!).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 15 }, (_, index) => index),
  );
});

test("a table gives back all of the buffer it was built in, also what it did not fill", async () => {
  const blobStore = new MemoryBlobStore(testEnvironment());
  const engine = openEngine({ blobStore });
  for (let index = 0; index < 3; index++) put(engine, index);
  const { tables } = await engine.persist(engine.freeze(), INTO_OBJECTS);
  const { path, offset, size } = tables[0]!;
  const built = new Uint8Array(size + 100).subarray(0, size);
  built.set((await blobStore.getRange(path, offset, size))!);
  const table = new Table(tables[0]!, "written", built);
  table.borrow();
  table.release();
  expect(built.length).toBe(size);
  table.giveBack(built);
  expect([built.length, built.buffer.byteLength]).toEqual([0, 0]);
});

test("a table that moves from an object into the manifest stays in memory when room is made", async () => {
  const environment = testEnvironment();
  const engine = openEngine({ environment });
  for (let index = 0; index < 3; index++) put(engine, index);
  engine.confirm(await engine.persist(engine.freeze(), INTO_OBJECTS));
  const inline = { mode: "full", inlineLimitBytes: 20_480 } as const;
  engine.confirm(await engine.persist(engine.freeze(), inline));
  await engine.admit(environment.memory.limitBytes);
  expect(await valuesOf(engine)).toEqual([0, 1, 2]);
});

// [rule 7]: the notice that a checkpoint has completed may come after what it replaced was deleted.
test("a table that a full checkpoint wrote anew is read there once the object it came from is gone", async () => {
  const environment = testEnvironment();
  const blobStore = new MemoryBlobStore(environment);
  const engine = openEngine({ environment, blobStore });
  for (let index = 0; index < 12; index++) put(engine, index);
  const before = await engine.persist(engine.freeze(), INTO_OBJECTS);
  engine.confirm(before);
  const after = await engine.persist(engine.freeze(), { mode: "full", inlineLimitBytes: 0 });
  const replaced = before.tables.map(({ path }) => path);
  expect(after.tables.some(({ path }) => replaced.includes(path))).toBe(false);
  await blobStore.delete(replaced);
  await engine.admit(environment.memory.limitBytes);
  expect(await valuesOf(engine)).toEqual(Array.from({ length: 12 }, (_, index) => index));
  await blobStore.delete(after.tables.map(({ path }) => path));
  await engine.admit(environment.memory.limitBytes);
  await expect(valuesOf(engine)).rejects.toThrow("is gone");
});

test("a pass does not ask for blocks of a table that a checkpoint has brought back whole meanwhile", async () => {
  const environment = testEnvironment();
  const engine = openEngine({ environment });
  for (let index = 0; index < 3; index++) put(engine, index);
  const inline = await engine.persist(engine.freeze(), {
    ...INTO_OBJECTS,
    inlineLimitBytes: 20_480,
  });
  const table = new Table(inline.tables[0]!, "written");
  const empty = new MemoryBlobStore(environment);
  const loader = new BlockLoader(environment, empty, new BlockCache(), () => MEBIBYTE);
  const need = { table, index: 0, run: makeRun(0, 0, [table]), tail: loader.tail(table) };
  await loader.loadPasses([{ ...need, window: new PassWindow() }], 1);
  expect(loader.gets).toBe(0);
});

/** Puts whose answers are lost: the bytes are read only after the caller was told that they failed. */
class LateBlobStore extends MemoryBlobStore {
  readonly late: (() => Promise<unknown>)[] = [];
  isLate = false;

  override put(path: string, bytes: Uint8Array): Promise<"written" | "exists"> {
    if (!this.isLate) return super.put(path, bytes);
    this.late.push(() => super.put(path, bytes));
    return Promise.reject(new StateEngineError("unavailable", "No answer came."));
  }
}

test("bytes of a put that got no answer stay as they are, whenever it is carried out", async () => {
  const environment = testEnvironment(6 * MEBIBYTE);
  const blobStore = new LateBlobStore(environment);
  const tuning = { ...TINY, memtableEntries: 2 };
  const engine = openEngine({ environment, blobStore, tuning });
  for (let index = 0; index < 2; index++) put(engine, index, 512 * 1024);
  blobStore.isLate = true;
  const persist = engine.persist(engine.freeze(), INTO_OBJECTS);
  await expect(persist).rejects.toBeInstanceOf(StateEngineError);
  blobStore.isLate = false;
  const persisted = await engine.persist(engine.freeze(), INTO_OBJECTS);
  engine.confirm(persisted);
  await engine.admit(environment.memory.limitBytes);
  for (const carryOut of blobStore.late) await carryOut();
  const [latest] = persisted.tables;
  const wanted = (await blobStore.get(latest!.path))!.slice(0, latest!.size);
  for (const { path } of await blobStore.list("")) {
    expect((await blobStore.get(path))!.slice(0, latest!.size)).toEqual(wanted);
  }
  expect((await blobStore.list("")).length).toBeGreaterThan(1);
});
