/** The cache against the contract, what it fetches and keeps, and what happens when it fails. */
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { CachingBlobStore } from "../../state-engine/blob-store/caching-blob-store.ts";
import { MemoryBlobStore, StateEngineError } from "../../state-engine/index.ts";
import { patternBytes } from "../contract/blob-cases.ts";
import { blobStoreContract } from "../contract/blob-store.ts";
import { RecordingBlobStore } from "./recording-blob-store.ts";

blobStoreContract("CachingBlobStore", () => createStores({}).caching);
blobStoreContract(
  "CachingBlobStore with room for little",
  () => createStores({ limitBytes: 100_000, pageBytes: 1_000 }).caching,
);

describe("CachingBlobStore", () => {
  test("asks the origin once for a whole blob, and for its ranges no more", async () => {
    const { origin, caching } = createStores({});
    await origin.put("blob", patternBytes(1_000));
    origin.forgetCalls();
    for (let time = 0; time < 3; time++) await caching.get("blob");
    expect(await caching.getRange("blob", 10, 5)).toEqual(patternBytes(1_000).slice(10, 15));
    expect(origin.calls).toEqual(["get blob"]);
  });

  test("fetches whole pages, in one request from the first that is missing", async () => {
    const { origin, caching } = createStores({ pageBytes: 100 });
    await origin.put("blob", patternBytes(1_050));
    origin.forgetCalls();
    await caching.getRange("blob", 150, 10);
    await caching.getRange("blob", 199, 1);
    await caching.getRange("blob", 120, 300);
    await caching.getRange("blob", 100, 400);
    expect(origin.calls).toEqual(["getRange blob 100+100", "getRange blob 200+300"]);
    origin.forgetCalls();
    await caching.getRange("blob", 1_000, 100);
    expect(await caching.getRange("blob", 1_040, 60)).toEqual(patternBytes(1_050).slice(1_040));
    expect(await caching.getRange("blob", 1_010, 2 ** 40)).toEqual(
      patternBytes(1_050).slice(1_010),
    );
    expect(origin.calls).toEqual(["getRange blob 1000+100"]);
  });

  test("answers any ranges in any order as the origin does", async () => {
    const range = fc.tuple(fc.nat({ max: 450 }), fc.nat({ max: 500 }));
    const ranges = fc.array(range, { minLength: 1, maxLength: 12 });
    const size = fc.integer({ min: 0, max: 400 });
    const limit = fc.constantFrom(0, 50, 100_000);
    await fc.assert(
      fc.asyncProperty(size, limit, ranges, async (blobSize, limitBytes, all) => {
        const { caching } = createStores({ limitBytes, pageBytes: 32 });
        await caching.put("blob", patternBytes(blobSize));
        const answers = await Promise.all(
          all.map(([offset, length]) => caching.getRange("blob", offset, length)),
        );
        const wanted = patternBytes(blobSize);
        for (const [index, [offset, length]] of all.entries()) {
          expect(answers[index]).toEqual(wanted.slice(offset, offset + length));
        }
      }),
    );
  });
});

describe("CachingBlobStore with a limit", () => {
  test("keeps no more bytes than its limit, and drops what was used longest ago", async () => {
    const { origin, cache, caching } = createStores({ limitBytes: 300 });
    for (const name of ["a", "b", "c", "d"]) await origin.put(name, patternBytes(100));
    await origin.put("large", patternBytes(301));
    for (const name of ["a", "b", "c", "a", "large", "d"]) await caching.get(name);
    origin.forgetCalls();
    for (const name of ["a", "c", "d", "b"]) await caching.get(name);
    expect(origin.calls).toEqual(["get b"]);
    const sizes = (await cache.list("")).map(({ size }) => size);
    expect(sizes).toEqual([100, 100, 100]);
  });

  test("uses what an earlier run left, dropping the oldest beyond its limit", async () => {
    const earlier = createStores({ limitBytes: 1_000 });
    for (const name of ["z", "y", "x"]) {
      await earlier.origin.put(name, patternBytes(100));
      await earlier.caching.get(name);
    }
    const later = createStores({ ...earlier, limitBytes: 250 });
    earlier.origin.forgetCalls();
    for (const name of ["x", "y"]) await later.caching.get(name);
    expect(earlier.origin.calls).toEqual([]);
    await later.caching.get("z");
    expect(earlier.origin.calls).toEqual(["get z"]);
  });
});

describe("CachingBlobStore in trouble", () => {
  test("does not keep a blob that was deleted while it was fetched", async () => {
    const { origin, cache, caching } = createStores({});
    await origin.put("blob", patternBytes(100));
    const fetched = origin.holdNextAnswer();
    const read = caching.get("blob");
    await fetched.begun;
    await caching.delete(["blob"]);
    fetched.release();
    expect(await read).toEqual(patternBytes(100));
    expect(await caching.get("blob")).toBeUndefined();
    expect(await cache.list("")).toEqual([]);
  });

  test("reads from the origin when the cache was emptied", async () => {
    const { origin, cache, caching } = createStores({});
    await origin.put("blob", patternBytes(100));
    await caching.get("blob");
    await cache.delete((await cache.list("")).map(({ path }) => path));
    expect(await caching.get("blob")).toEqual(patternBytes(100));
    expect(await caching.get("blob")).toEqual(patternBytes(100));
    expect(origin.calls.filter((call) => call === "get blob")).toHaveLength(2);
  });

  test.for(["list", "put", "get", "delete"] as const)(
    "answers all the same when the cache fails to %s, and reports it",
    async (failing) => {
      const earlier = createStores({ pageBytes: 10 });
      await earlier.origin.put("blob", patternBytes(100));
      // For a failing put there must be something to put.
      if (failing !== "put") await earlier.caching.get("blob");
      const { cache, caching, errors } = createStores({ ...earlier, pageBytes: 10 });
      cache.failing = failing;
      expect(await caching.get("blob")).toEqual(patternBytes(100));
      expect(await caching.getRange("blob", 5, 50)).toEqual(patternBytes(100).slice(5, 55));
      await caching.delete(["blob"]);
      expect(errors.length).toBeGreaterThan(0);
      expect(await caching.get("blob")).toBeUndefined();
      cache.failing = undefined;
      expect(await caching.get("blob")).toBeUndefined();
    },
  );

  test("rejects when the origin fails and the cache does not have it", async () => {
    const { origin, caching } = createStores({});
    await origin.put("cached", patternBytes(10));
    await caching.get("cached");
    origin.failing = "get";
    expect(await caching.get("cached")).toEqual(patternBytes(10));
    await expect(caching.get("other")).rejects.toBeInstanceOf(StateEngineError);
  });
});

interface Stores {
  readonly origin: RecordingBlobStore;
  readonly cache: RecordingBlobStore;
  readonly caching: CachingBlobStore;
  readonly errors: unknown[];
}

function createStores(options: {
  readonly origin?: RecordingBlobStore;
  readonly cache?: RecordingBlobStore;
  readonly limitBytes?: number;
  readonly pageBytes?: number;
}): Stores {
  let now = 1_700_000_000_000;
  const clock = { now: () => now++ };
  const { origin = new RecordingBlobStore(new MemoryBlobStore(clock)) } = options;
  const { cache = new RecordingBlobStore(new MemoryBlobStore(clock)) } = options;
  const { limitBytes = 64 * 1024 * 1024, pageBytes } = options;
  const errors: unknown[] = [];
  const reportError = (error: unknown): void => void errors.push(error);
  const caching = new CachingBlobStore({
    origin,
    cache,
    limitBytes,
    reportError,
    ...(pageBytes !== undefined && { pageBytes }),
  });
  return { origin, cache, caching, errors };
}
