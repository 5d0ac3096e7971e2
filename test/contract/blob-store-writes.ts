/** What the contract of blob stores says of put, list and delete; blobStoreContract runs it. */
import { describe, expect, test } from "vitest";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { patternBytes } from "./blob-cases.ts";

/** More than a page of R2 (1,000), and more than one delete of R2 takes. */
const MANY = 1_003;

export function blobWriteContract(
  name: string,
  create: () => BlobStore | Promise<BlobStore>,
): void {
  testPuts(name, create);
  testCreations(name, create);
  testLists(name, create);
  testDeletes(name, create);
}

function testPuts(name: string, create: () => BlobStore | Promise<BlobStore>): void {
  describe(`${name} puts blobs`, () => {
    test("so that they are read at once", async () => {
      const store = await create();
      expect(await store.put("blob", patternBytes(10))).toBe("written");
      expect(await store.get("blob")).toEqual(patternBytes(10));
      expect(await store.put("blob", patternBytes(3))).toBe("written");
      expect(await store.get("blob")).toEqual(patternBytes(3));
      expect(await store.getRange("blob", 0, 10)).toEqual(patternBytes(3));
    });

    test("from a view into a larger buffer, of which the caller may change everything after", async () => {
      const store = await create();
      const buffer = patternBytes(1_000);
      await store.put("blob", buffer.subarray(100, 300));
      buffer.fill(0);
      expect(await store.get("blob")).toEqual(patternBytes(1_000).slice(100, 300));
    });

    test("whole or not at all for whoever reads meanwhile", async () => {
      const store = await create();
      const size = 1024 * 1024;
      await store.put("blob", new Uint8Array(size).fill(1));
      for (let generation = 2; generation < 6; generation++) {
        const put = store.put("blob", new Uint8Array(size).fill(generation));
        const reads = Array.from({ length: 4 }, () => store.get("blob"));
        for (const bytes of await Promise.all(reads)) {
          const [byte] = bytes ?? [];
          expect(bytes?.length).toBe(size);
          expect([generation - 1, generation]).toContain(byte);
          expect(bytes?.every((other) => other === byte)).toBe(true);
        }
        await put;
        expect((await store.getRange("blob", size - 1, 1))?.[0]).toBe(generation);
      }
    });

    test.for([
      "",
      "/a",
      "a/",
      "a//b",
      ".",
      "a/../b",
      "../a",
      "ä",
      "a b",
      "a%2e",
      "a~",
      "x".repeat(1_025),
    ])("never under %j, which is no path", async (path) => {
      const store = await create();
      await expect(store.put(path, patternBytes(1))).rejects.toMatchObject({
        name: "StateEngineError",
        kind: "invalid",
      });
      expect(await store.list("")).toEqual([]);
    });
  });
}

function testCreations(name: string, create: () => BlobStore | Promise<BlobStore>): void {
  describe(`${name} creates blobs that are absent`, () => {
    test("and never replaces one", async () => {
      const store = await create();
      expect(await store.put("a/blob", patternBytes(10), { ifAbsent: true })).toBe("written");
      expect(await store.put("a/blob", patternBytes(20), { ifAbsent: true })).toBe("exists");
      expect(await store.put("a/blob", patternBytes(10), { ifAbsent: true })).toBe("exists");
      expect(await store.get("a/blob")).toEqual(patternBytes(10));
      expect(await store.put("a/empty", new Uint8Array(), { ifAbsent: true })).toBe("written");
      expect(await store.put("a/empty", patternBytes(1), { ifAbsent: true })).toBe("exists");
      expect(await store.list("a/")).toMatchObject([{ size: 10 }, { size: 0 }]);
    });

    test("again once they were deleted", async () => {
      const store = await create();
      await store.put("blob", patternBytes(10), { ifAbsent: true });
      await store.delete(["blob"]);
      expect(await store.put("blob", patternBytes(20), { ifAbsent: true })).toBe("written");
      expect(await store.get("blob")).toEqual(patternBytes(20));
    });

    test("once, however many try at the same time", async () => {
      const store = await create();
      for (let round = 0; round < 5; round++) {
        const path = `race/${round}`;
        const sizes = Array.from({ length: 12 }, (_, index) => 1_000 + index);
        const outcomes = await Promise.all(
          sizes.map((size) => store.put(path, patternBytes(size), { ifAbsent: true })),
        );
        expect(outcomes.toSorted()).toEqual([...sizes.slice(1).map(() => "exists"), "written"]);
        const winner = sizes[outcomes.indexOf("written")];
        expect(await store.get(path)).toEqual(patternBytes(winner ?? 0));
      }
    });
  });
}

function testLists(name: string, create: () => BlobStore | Promise<BlobStore>): void {
  describe(`${name} lists blobs`, () => {
    test("in the order of their bytes, folders and all", async () => {
      const store = await create();
      const paths = ["a-b", "a.b", "a/b", "a/b2/c", "a/c", "a0", "aB", "a_", "aa", "B", "b/a/a/a"];
      for (const path of paths.toReversed()) await store.put(path, patternBytes(path.length));
      const entries = await store.list("");
      expect(entries.map((entry) => entry.path)).toEqual(paths.toSorted());
      expect(entries.map((entry) => entry.size)).toEqual(
        paths.toSorted().map((path) => path.length),
      );
    });

    test.for([
      ["a/", ["a/b", "a/b2/c", "a/c"]],
      ["a/b", ["a/b", "a/b2/c"]],
      ["a/b2", ["a/b2/c"]],
      ["a/b2/", ["a/b2/c"]],
      ["a/b2/c", ["a/b2/c"]],
      ["a/b2/c/", []],
      ["a", ["a-", "a/b", "a/b2/c", "a/c"]],
      ["c", []],
      ["../a", []],
      ["", ["a-", "a/b", "a/b2/c", "a/c", "b"]],
    ] as const)("whose path begins with %j", async ([prefix, wanted]) => {
      const store = await create();
      for (const path of ["a-", "a/b", "a/b2/c", "a/c", "b"])
        await store.put(path, patternBytes(1));
      expect((await store.list(prefix)).map((entry) => entry.path)).toEqual(wanted);
    });

    test("with the times they were written", async () => {
      const store = await create();
      await store.put("b", patternBytes(1));
      await store.put("a", patternBytes(1));
      const [a, b] = await store.list("");
      expect(Number.isSafeInteger(a?.writtenAt)).toBe(true);
      expect(b!.writtenAt).toBeGreaterThan(Date.UTC(2020));
      expect(a!.writtenAt).toBeGreaterThanOrEqual(b!.writtenAt);
    });

    test("to the end, and deletes them all in one call", async () => {
      const store = await create();
      const paths = Array.from({ length: MANY }, (_, index) => `many/${index}`);
      for (let start = 0; start < MANY; start += 50) {
        const some = paths.slice(start, start + 50);
        await Promise.all(some.map((path) => store.put(path, new Uint8Array(1))));
      }
      await store.put("other", patternBytes(1));
      const listed = await store.list("many/");
      expect(listed.map((entry) => entry.path)).toEqual(paths.toSorted());
      await store.delete(paths);
      expect((await store.list("")).map((entry) => entry.path)).toEqual(["other"]);
    });
  });
}

function testDeletes(name: string, create: () => BlobStore | Promise<BlobStore>): void {
  describe(`${name} deletes blobs`, () => {
    test("whether they are there or not, and those alone", async () => {
      const store = await create();
      for (const path of ["a/b", "a/b2", "c"]) await store.put(path, patternBytes(5));
      await store.delete([]);
      await store.delete(["absent", "a/absent", "absent/b", "c/below", "a"]);
      expect((await store.list("")).map((entry) => entry.path)).toEqual(["a/b", "a/b2", "c"]);
      await store.delete(["a/b", "absent", "c", "c"]);
      await store.delete(["a/b"]);
      expect((await store.list("")).map((entry) => entry.path)).toEqual(["a/b2"]);
      expect(await store.get("a/b")).toBeUndefined();
      expect(await store.getRange("c", 0, 1)).toBeUndefined();
    });

    test("so that they are not readable however they were read before", async () => {
      const store = await create();
      await store.put("blob", patternBytes(200_000));
      await store.get("blob");
      await store.getRange("blob", 70_000, 100_000);
      const reads = [store.get("blob"), store.getRange("blob", 0, 200_000)];
      await store.delete(["blob"]);
      expect(await store.get("blob")).toBeUndefined();
      expect(await store.getRange("blob", 70_000, 1_000)).toBeUndefined();
      await Promise.all(reads);
      expect(await store.get("blob")).toBeUndefined();
      expect(await store.getRange("blob", 70_000, 1_000)).toBeUndefined();
    });
  });
}
