/**
 * The contract of BlobStore as a suite: give it a factory that makes an empty store. Every
 * implementation runs it in every runtime it claims.
 */
import { describe, expect, test } from "vitest";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

export function blobStoreContract(name: string, makeStore: () => Promise<BlobStore>): void {
  describe(`${name} keeps the contract of a blob store`, () => {
    test("what was put is read back, and an unknown path is undefined", async () => {
      const store = await makeStore();
      await expect(store.put("a/b", bytes(1, 2, 3))).resolves.toBe("written");
      await expect(store.get("a/b")).resolves.toEqual(bytes(1, 2, 3));
      await expect(store.get("a/c")).resolves.toBeUndefined();
      await expect(store.getRange("a/c", 0, 1)).resolves.toBeUndefined();
    });

    test("an empty blob is a blob", async () => {
      const store = await makeStore();
      await store.put("empty", bytes());
      await expect(store.get("empty")).resolves.toEqual(bytes());
      await expect(store.getRange("empty", 0, 4)).resolves.toEqual(bytes());
    });

    test("a put without ifAbsent replaces, one with it does not", async () => {
      const store = await makeStore();
      await store.put("p", bytes(1));
      await store.put("p", bytes(2));
      await expect(store.put("p", bytes(3), { ifAbsent: true })).resolves.toBe("exists");
      await expect(store.get("p")).resolves.toEqual(bytes(2));
      await expect(store.put("q", bytes(4), { ifAbsent: true })).resolves.toBe("written");
    });

    test("of two conditional puts at once, exactly one writes", async () => {
      const store = await makeStore();
      const answers = await Promise.all(
        [1, 2, 3].map((value) => store.put("race", bytes(value), { ifAbsent: true })),
      );
      expect(answers.filter((answer) => answer === "written")).toHaveLength(1);
      const winner = answers.indexOf("written") + 1;
      await expect(store.get("race")).resolves.toEqual(bytes(winner));
    });

    test("a range is clipped to the end of the blob", async () => {
      const store = await makeStore();
      await store.put("r", bytes(0, 1, 2, 3));
      await expect(store.getRange("r", 1, 2)).resolves.toEqual(bytes(1, 2));
      await expect(store.getRange("r", 2, 10)).resolves.toEqual(bytes(2, 3));
      await expect(store.getRange("r", 4, 1)).resolves.toEqual(bytes());
      await expect(store.getRange("r", 9, 1)).resolves.toEqual(bytes());
    });

    test("a list is ascending, complete and of the prefix only", async () => {
      const store = await makeStore();
      const paths = ["x/10", "x/9", "x-1", "x/a/b", "xx", "y/1"];
      for (const path of paths) await store.put(path, bytes(path.length));
      const listed = await store.list("x/");
      expect(listed.map(({ path }) => path)).toEqual(["x/10", "x/9", "x/a/b"]);
      expect(listed.every(({ size }) => size === 1)).toBe(true);
      await expect(store.list("nothing/")).resolves.toEqual([]);
    });

    test("delete takes many paths and may be repeated", async () => {
      const store = await makeStore();
      for (const path of ["d/1", "d/2", "d/3"]) await store.put(path, bytes(1));
      await store.delete(["d/1", "d/2", "d/none"]);
      await store.delete(["d/1", "d/2"]);
      await store.delete([]);
      expect((await store.list("d/")).map(({ path }) => path)).toEqual(["d/3"]);
    });

    test("answers and arguments are the caller's to change", async () => {
      const store = await makeStore();
      const written = bytes(1, 2);
      await store.put("own", written);
      written[0] = 9;
      const read = await store.get("own");
      read![1] = 9;
      await expect(store.get("own")).resolves.toEqual(bytes(1, 2));
    });

    test.each(["", "/a", "a/", "a//b", "./a", "a/../b", "a b", "é", "a".repeat(1025)])(
      "the path %j is refused",
      async (path) => {
        const store = await makeStore();
        await expect(store.put(path, bytes(1))).rejects.toMatchObject({ kind: "invalid" });
      },
    );
  });
}
