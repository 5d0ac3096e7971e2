/** A page opens the tables of a checkpoint by itself: from IndexedDB, and through it from elsewhere. */
import { describe, expect, test } from "vitest";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { CachingBlobStore } from "../../state-engine/blob-store/caching-blob-store.ts";
import {
  decodeInt64Number,
  encodeInt64,
  int64Addition,
  MemoryBlobStore,
  openReadOnly,
  StateEngine,
  stateKey,
} from "../../state-engine/index.ts";
import type { PersistedState, ReadOnlyStateEngine } from "../../state-engine/index.ts";
import { browserEnvironment } from "./browser-environment.ts";
import { createIndexedDbBlobStore } from "./create-indexeddb-blob-store.ts";

const COUNTS = 1;
const KEYS = 20_000;
const keyGroups = { first: 0, last: 0 };
const mergeOperators = new Map([[COUNTS, int64Addition]]);

describe("A checkpoint in a browser", () => {
  test("is opened from IndexedDB and read key by key", async () => {
    const blobStore = createIndexedDbBlobStore("checkpoint");
    const { tables } = await writeCheckpoint(blobStore);
    const engine = openFrom(createIndexedDbBlobStore("checkpoint"), tables);
    expect(decodeInt64Number((await engine.get(countKey(0)))!)).toBe(1);
    expect(decodeInt64Number((await engine.get(countKey(1_234)))!)).toBe(1_235);
    expect(await engine.get(countKey(KEYS))).toBeUndefined();
    const stateBytes = tables.reduce((sum, { size }) => sum + size, 0);
    expect(engine.reads.bytes).toBeLessThan(stateBytes / 2);
    engine.close();
  });

  test("is scanned from begin to end in order", async () => {
    const blobStore = createIndexedDbBlobStore("scanned");
    const { tables } = await writeCheckpoint(blobStore);
    expect(await countScanned(openFrom(blobStore, tables))).toBe(KEYS);
  });

  test("is read a second time from IndexedDB alone when that caches another store", async () => {
    const origin = new MemoryBlobStore(browserEnvironment());
    const { tables } = await writeCheckpoint(origin);
    const cachedIn = (blobs: BlobStore): BlobStore =>
      new CachingBlobStore({
        origin: blobs,
        cache: createIndexedDbBlobStore("cache"),
        limitBytes: 64 * 1024 * 1024,
        reportError(error) {
          throw error;
        },
      });
    expect(await countScanned(openFrom(cachedIn(origin), tables))).toBe(KEYS);
    const gone = new MemoryBlobStore(browserEnvironment());
    expect(await countScanned(openFrom(cachedIn(gone), tables))).toBe(KEYS);
  });
});

/** Key i counts i + 1. */
async function writeCheckpoint(blobStore: BlobStore): Promise<PersistedState> {
  const environment = browserEnvironment();
  const engine = StateEngine.open({
    environment,
    blobStore,
    keyGroups,
    tables: [],
    sequence: 0,
    mergeOperators,
    uploads: { nextPath: () => `job/${environment.newId()}.sst`, note: () => undefined },
    tuning: { compression: "deflate-raw" },
  });
  for (let index = 0; index < KEYS; index++) {
    const key = countKey(index);
    const value = encodeInt64(index + 1);
    engine.put(key, 0, key.length, value, 0, value.length);
  }
  const persisted = await engine.persist(engine.freeze(), { mode: "full", inlineLimitBytes: 0 });
  engine.close();
  return persisted;
}

function openFrom(blobStore: BlobStore, tables: PersistedState["tables"]): ReadOnlyStateEngine {
  const environment = browserEnvironment();
  return openReadOnly({ environment, blobStore, tables, keyGroups, mergeOperators });
}

async function countScanned(engine: ReadOnlyStateEngine): Promise<number> {
  let expected = 0;
  let page = await engine.scan({});
  for (;;) {
    for (const { key, value } of page.entries) {
      expect([key, decodeInt64Number(value)]).toEqual([countKey(expected), expected + 1]);
      expected++;
    }
    if (page.next === undefined) break;
    page = await engine.scan(page.next);
  }
  engine.close();
  return expected;
}

function countKey(index: number): Uint8Array {
  return stateKey(0, COUNTS, new TextEncoder().encode(String(index).padStart(8, "0")));
}
