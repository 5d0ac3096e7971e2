/**
 * The contract of state-engine/blob-store/blob-store.ts as tests, for any implementation and any runtime.
 *
 *   blobStoreContract("FolderBlobStore", () => new FolderBlobStore(temporaryDirectory()));
 *   blobReadContract("HttpBlobStore", () => ({ writer: bucket, reader: new HttpBlobStore(...) }));
 *
 * Each test asks for a store of its own, which must be empty.
 */
import { describe, expect, test } from "vitest";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import { patternBytes, rangesOf } from "./blob-cases.ts";
import { blobWriteContract } from "./blob-store-writes.ts";

/** Two ways to the same blobs. */
export interface BlobAccess {
  readonly reader: BlobStore;
  readonly writer: BlobStore;
}

/** Everything the contract says. */
export function blobStoreContract(
  name: string,
  create: () => BlobStore | Promise<BlobStore>,
): void {
  blobReadContract(name, async () => {
    const store = await create();
    return { reader: store, writer: store };
  });
  blobWriteContract(name, create);
}

/**
 * What the contract says of get and getRange. `longestPath` (bytes) is less than 1,024 where the reader's
 * blobs are in a folder of a larger store.
 */
export function blobReadContract(name: string, create: CreateAccess, longestPath = 1_024): void {
  describe(`${name} reads blobs`, () => {
    testReads(create);
    testAnswers(create, longestPath);
  });
}

type CreateAccess = () => BlobAccess | Promise<BlobAccess>;

function testReads(create: CreateAccess): void {
  test.for([0, 1, 255, 65_536, 65_537, 5 * 1024 * 1024])(
    "as they were put, of %i bytes",
    async (size) => {
      const { reader, writer } = await create();
      const bytes = patternBytes(size);
      await writer.put("some/blob", bytes);
      // Compared as a flag: printing the difference of two large arrays would take minutes.
      expect(isEqual(await reader.getRange("some/blob", 0, size), bytes)).toBe(true);
      const half = Math.floor(size / 2);
      const upper = await reader.getRange("some/blob", half, size);
      expect(isEqual(upper, bytes.subarray(half))).toBe(true);
      expect(isEqual(await reader.get("some/blob"), bytes)).toBe(true);
      expect(isEqual(await reader.getRange("some/blob", 1, half), bytes.slice(1, half + 1))).toBe(
        true,
      );
    },
  );

  test("that do not exist as undefined", async () => {
    const { reader, writer } = await create();
    await writer.put("folder/blob", patternBytes(3));
    for (const absent of ["blob", "folder/blo", "folder/blob2", "folder", "folder/blob/x"]) {
      expect([absent, await reader.get(absent)]).toEqual([absent, undefined]);
      expect([absent, await reader.getRange(absent, 0, 10)]).toEqual([absent, undefined]);
      expect([absent, await reader.getRange(absent, 0, 0)]).toEqual([absent, undefined]);
      expect([absent, await reader.getRange(absent, 7, 1)]).toEqual([absent, undefined]);
    }
  });

  test("in ranges, clipped to the end", async () => {
    const { reader, writer } = await create();
    for (const size of [0, 1, 10]) {
      const bytes = patternBytes(size);
      await writer.put(`blob-${size}`, bytes);
      for (const { offset, length } of rangesOf(size)) {
        const range = await reader.getRange(`blob-${size}`, offset, length);
        const wanted = bytes.slice(offset, offset + length);
        expect({ size, offset, length, range }).toEqual({ size, offset, length, range: wanted });
      }
    }
  });
}

function testAnswers(create: CreateAccess, longestPath: number): void {
  test("in many ranges at once, each its own", async () => {
    const { reader, writer } = await create();
    const bytes = patternBytes(200_000);
    await writer.put("blob", bytes);
    const offsets = Array.from({ length: 40 }, (_, index) => index * 4_999);
    const ranges = await Promise.all(
      offsets.map((offset) => reader.getRange("blob", offset, 4_999)),
    );
    for (const [index, offset] of offsets.entries()) {
      expect(isEqual(ranges[index], bytes.subarray(offset, offset + 4_999))).toBe(true);
    }
  });

  test("under paths with every character allowed, and as long as allowed", async () => {
    const { reader, writer } = await create();
    const paths = [
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ/abcdefghijklmnopqrstuvwxyz/0123456789._-",
      "x",
      "...",
      "-",
      "a..b/..c/d../.e",
      `${`${"s".repeat(255)}/`.repeat(3)}${"t".repeat(longestPath - 770)}/u`,
    ];
    for (const [index, path] of paths.entries()) await writer.put(path, patternBytes(index + 1));
    for (const [index, path] of paths.entries()) {
      expect([path, await reader.get(path)]).toEqual([path, patternBytes(index + 1)]);
      expect([path, await reader.getRange(path, 0, 1)]).toEqual([path, patternBytes(1)]);
    }
  });

  test("as fresh arrays, which the caller may change", async () => {
    const { reader, writer } = await create();
    await writer.put("blob", patternBytes(100));
    (await reader.getRange("blob", 0, 100))?.fill(0xff);
    (await reader.getRange("blob", 10, 20))?.fill(0xff);
    (await reader.get("blob"))?.fill(0xff);
    (await reader.getRange("blob", 0, 100))?.fill(0xff);
    expect(await reader.getRange("blob", 5, 50)).toEqual(patternBytes(100).slice(5, 55));
    const bytes = await reader.get("blob");
    expect(bytes).toEqual(patternBytes(100));
    expect(bytes?.constructor).toBe(Uint8Array);
  });
}

function isEqual(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return left?.length === right.length && left.every((byte, index) => byte === right[index]);
}
