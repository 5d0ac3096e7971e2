/** The folder against the contract, and what only a file system can do wrong. */
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FolderBlobStore } from "../../cli/folder-blob-store.ts";
import { patternBytes } from "../contract/blob-cases.ts";
import { blobStoreContract } from "../contract/blob-store.ts";
import { temporaryDirectory } from "../support/runtime.ts";

blobStoreContract(
  "FolderBlobStore",
  () => new FolderBlobStore(join(temporaryDirectory(), "bucket")),
);

describe("FolderBlobStore", () => {
  test("keeps each blob as a file at its path and leaves nothing else behind", async () => {
    const folder = temporaryDirectory();
    const store = new FolderBlobStore(folder);
    await store.put("job/chk-1/manifest.json", patternBytes(10), { ifAbsent: true });
    await store.put("job/chk-1/manifest.json", patternBytes(20), { ifAbsent: true });
    await store.put("job/table.sst", patternBytes(30));
    expect(await readdir(folder, { recursive: true })).toHaveLength(5);
    expect(await readdir(join(folder, "~writing"))).toEqual([]);
    const file = await readFile(join(folder, "job/chk-1/manifest.json"));
    expect(new Uint8Array(file)).toEqual(patternBytes(10));
  });

  test("creates one blob when two stores on the same folder race for it", async () => {
    const folder = temporaryDirectory();
    const stores = [new FolderBlobStore(folder), new FolderBlobStore(folder)];
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.all(
        stores.map((store, index) =>
          store.put(`${round}/blob`, patternBytes(index + 1), { ifAbsent: true }),
        ),
      );
      const [winner] = await new FolderBlobStore(folder).list(`${round}/`);
      expect(outcomes.toSorted()).toEqual(["exists", "written"]);
      expect(winner?.size).toBe(outcomes.indexOf("written") + 1);
    }
  });
});

describe("FolderBlobStore in a folder with other things", () => {
  test("never reaches a file outside its folder", async () => {
    const parent = temporaryDirectory();
    await writeFile(join(parent, "secret"), "not yours");
    const store = new FolderBlobStore(join(parent, "bucket"));
    await store.put("blob", patternBytes(1));
    const invalid = { kind: "invalid" };
    for (const path of ["../secret", "blob/../../secret", `${parent}/secret`, "~writing"]) {
      await expect(store.get(path)).rejects.toMatchObject(invalid);
      await expect(store.getRange(path, 0, 1)).rejects.toMatchObject(invalid);
      await expect(store.delete([path])).rejects.toMatchObject(invalid);
    }
    expect(await store.list("../")).toEqual([]);
    expect(await readFile(join(parent, "secret"), "utf8")).toBe("not yours");
  });

  test("does not list what cannot be a blob", async () => {
    const folder = temporaryDirectory();
    const store = new FolderBlobStore(folder);
    await store.put("blob", patternBytes(1));
    await mkdir(join(folder, "empty"));
    await mkdir(join(folder, "~writing"), { recursive: true });
    await writeFile(join(folder, "~writing", "left-by-a-crash"), "half");
    await writeFile(join(folder, "with space"), "put here by hand");
    await symlink(join(folder, "empty"), join(folder, "link"));
    expect((await store.list("")).map((entry) => entry.path)).toEqual(["blob"]);
  });

  test("lists nothing of a folder that does not exist", async () => {
    const store = new FolderBlobStore(join(temporaryDirectory(), "absent"));
    expect(await store.list("")).toEqual([]);
    expect(await store.get("blob")).toBeUndefined();
  });

  test("says which path failed when the file system does", async () => {
    const folder = join(temporaryDirectory(), "file");
    await writeFile(folder, "in the way");
    const put = new FolderBlobStore(folder).put("a/blob", patternBytes(1));
    await expect(put).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("a/blob"),
    });
  });

  test("refuses to create a blob where others have their folder", async () => {
    const store = new FolderBlobStore(temporaryDirectory());
    await store.put("a/blob", patternBytes(1));
    const created = store.put("a", patternBytes(1), { ifAbsent: true });
    await expect(created).rejects.toMatchObject({ kind: "invalid" });
  });
});
