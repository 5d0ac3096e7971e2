/** IndexedDB of a real browser against the contract. */
import { describe, expect, test } from "vitest";
import { patternBytes } from "../contract/blob-cases.ts";
import { blobStoreContract } from "../contract/blob-store.ts";
import { createIndexedDbBlobStore } from "./create-indexeddb-blob-store.ts";

let created = 0;

blobStoreContract("IndexedDbBlobStore", () => createIndexedDbBlobStore(`contract-${created++}`));

describe("IndexedDbBlobStore", () => {
  test("finds what another store on the same database wrote", async () => {
    const writer = createIndexedDbBlobStore("shared");
    await writer.put("job/table", patternBytes(100_000), { ifAbsent: true });
    const reader = createIndexedDbBlobStore("shared");
    expect(await reader.getRange("job/table", 50_000, 10)).toEqual(
      patternBytes(100_000).slice(50_000, 50_010),
    );
    expect(await reader.put("job/table", patternBytes(1), { ifAbsent: true })).toBe("exists");
  });

  test("keeps blobs of different databases apart", async () => {
    await createIndexedDbBlobStore("one").put("blob", patternBytes(1));
    expect(await createIndexedDbBlobStore("two").list("")).toEqual([]);
  });

  test("reads a range of a large blob without the rest", async () => {
    const store = createIndexedDbBlobStore("ranges");
    const bytes = patternBytes(32 * 1024 * 1024);
    await store.put("large", bytes);
    for (let offset = 0; offset < bytes.length; offset += 1024 * 1024) {
      expect(await store.getRange("large", offset, 64)).toEqual(bytes.slice(offset, offset + 64));
    }
  });
});
