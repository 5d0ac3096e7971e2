/** What R2BlobStore makes of a bucket's pages, limits and failures; its contract runs against R2 itself. */
import { describe, expect, test } from "vitest";
import { R2BlobStore } from "../../durable-objects/platform/r2-blob-store.ts";
import type { Bucket } from "../../durable-objects/platform/r2-blob-store.ts";

const unexpected = () => Promise.reject(new Error("Nobody asked for this."));

function bucketWith(methods: Partial<Bucket>): Bucket {
  return {
    get: unexpected,
    head: unexpected,
    put: unexpected,
    list: unexpected,
    delete: unexpected,
    ...methods,
  };
}

describe("R2BlobStore", () => {
  test("lists every page, however short pages are", async () => {
    const keys = Array.from({ length: 7 }, (_, index) => `a/${index}`);
    const store = new R2BlobStore(
      bucketWith({
        list: async ({ prefix, cursor = "0" }) => {
          const begin = Number(cursor);
          const objects = keys
            .slice(begin, begin + 3)
            .map((key) => ({ key, size: 1, uploaded: new Date(5) }));
          const truncated = begin + 3 < keys.length;
          expect(prefix).toBe("a/");
          return { objects, truncated, ...(truncated && { cursor: String(begin + 3) }) };
        },
      }),
    );
    expect(await store.list("a/")).toEqual(keys.map((path) => ({ path, size: 1, writtenAt: 5 })));
  });

  test("deletes in batches of at most 1000 keys", async () => {
    const batches: number[] = [];
    const store = new R2BlobStore(
      bucketWith({ delete: async (keys) => void batches.push(keys.length) }),
    );
    await store.delete(Array.from({ length: 2_500 }, (_, index) => `key${index}`));
    expect(batches).toEqual([1000, 1000, 500]);
    await store.delete([]);
    expect(batches).toHaveLength(3);
  });

  test("says unavailable, what it was doing and why, when R2 fails", async () => {
    const store = new R2BlobStore(bucketWith({}));
    const cause = new Error("Nobody asked for this.");
    await expect(store.get("some/path")).rejects.toMatchObject({
      name: "StateEngineError",
      kind: "unavailable",
      message: expect.stringContaining("some/path"),
      cause,
    });
    await expect(store.put("some/path", Uint8Array.of(1))).rejects.toMatchObject({ cause });
    await expect(store.list("some/")).rejects.toMatchObject({ cause });
    await expect(store.delete(["some/path"])).rejects.toMatchObject({ cause });
  });

  test("answers a range at the end with no bytes and other failures of a range as failures", async () => {
    const refused = new Error("The requested range is not satisfiable.");
    const store = new R2BlobStore(
      bucketWith({
        get: () => Promise.reject(refused),
        head: () => Promise.resolve({ size: 10 }),
      }),
    );
    expect(await store.getRange("path", 10, 4)).toEqual(new Uint8Array());
    await expect(store.getRange("path", 9, 4)).rejects.toMatchObject({ cause: refused });
  });

  test("puts only when absent if it is asked to, and tells what there was", async () => {
    const conditions: unknown[] = [];
    const store = new R2BlobStore(
      bucketWith({
        put: async (_key, _value, options) => {
          conditions.push(options);
          return options === undefined ? {} : null;
        },
      }),
    );
    expect(await store.put("path", Uint8Array.of(1))).toBe("written");
    expect(await store.put("path", Uint8Array.of(1), { ifAbsent: true })).toBe("exists");
    expect(conditions).toEqual([undefined, { onlyIf: { etagDoesNotMatch: "*" } }]);
  });
});
