/** Buckets and codecs of workerd, as feeds use them. */
import * as zlib from "node:zlib";
import { env as untyped } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { CompressedFormat } from "../../durable-objects/inputs.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { createWorkerInputs } from "../../durable-objects/platform/worker-inputs.ts";
import { linesInZstd, zstdLines } from "./zstd-lines.ts";

const env = untyped as unknown as WeirBindings & { readonly BUCKET: R2Bucket };
const inputs = createWorkerInputs(env);
const text = linesInZstd;
/** ZSTD_c_checksumFlag. */
const checksumFlag = 201;

async function decompressed(format: CompressedFormat, bytes: Uint8Array, pushBytes = 16 * 1024) {
  const decompressor = inputs.decompressor(format);
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += pushBytes) {
    pieces.push(...(await decompressor.push(bytes.slice(start, start + pushBytes))));
  }
  pieces.push(...(await decompressor.finish()));
  decompressor.close();
  return await new Blob(pieces as Uint8Array<ArrayBuffer>[]).text();
}

async function gzip(whole: string): Promise<Uint8Array> {
  const stream = new Blob([whole]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function zstd(whole: string): Promise<Uint8Array> {
  if (whole === text) return zstdLines;
  const bytes = new TextEncoder().encode(whole);
  return zlib.zstdCompressSync(bytes, {
    params: { [checksumFlag]: 1 },
    pledgedSrcSize: bytes.length,
    chunkSize: bytes.length + 1_000,
  });
}

function together(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

describe.each([
  { format: "gzip", compress: gzip },
  { format: "zstd", compress: zstd },
] as const)("$format", ({ compress, format }) => {
  test("[FD5] comes back whole, however it is cut", async () => {
    for (const pushBytes of [7, 1_000, 10_000_000]) {
      expect(await decompressed(format, await compress(text), pushBytes)).toBe(text);
    }
  });

  test("[FD5] of several parts is one text, wherever it is cut", async () => {
    const parts = together(
      await compress("one\n"),
      await compress(""),
      await compress(text),
      await compress("three\n"),
    );
    for (const pushBytes of [97, 1_000, 10_000_000]) {
      expect(await decompressed(format, parts, pushBytes)).toBe(`one\n${text}three\n`);
    }
    const small = together(await compress("one\n"), await compress("two\n"));
    for (let pushBytes = 1; pushBytes <= small.length; pushBytes++) {
      expect(await decompressed(format, small, pushBytes)).toBe("one\ntwo\n");
    }
  });

  test("[FD5] that is cut short, damaged or followed by something else is refused", async () => {
    const whole = await compress(text);
    await expect(decompressed(format, whole.slice(0, -5))).rejects.toThrow(/\S/);
    const damaged = whole.slice();
    const middle = Math.floor(whole.length / 2);
    damaged.fill(0, middle, middle + 100);
    await expect(decompressed(format, damaged)).rejects.toThrow(/\S/);
    const otherSum = whole.slice();
    const sum = otherSum.length - (format === "gzip" ? 8 : 4);
    otherSum.fill(0, sum, sum + 4);
    await expect(decompressed(format, otherSum)).rejects.toThrow(/\S/);
    await expect(decompressed(format, new TextEncoder().encode(text))).rejects.toThrow(/\S/);
    const other = new TextEncoder().encode("something else");
    for (const pushBytes of [whole.length, 10_000_000]) {
      const followed = decompressed(format, together(whole, other), pushBytes);
      await expect(followed).rejects.toThrow(/\S/);
    }
  });
});

test("[FD5] skippable frames of zstd are left out, as of the seekable format", async () => {
  const skippable = Uint8Array.of(0x5e, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 1, 2, 3, 4, 5);
  const empty = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0);
  const one = await zstd("one\n");
  const bytes = together(empty, skippable, one, empty, await zstd("two\n"), skippable);
  for (let pushBytes = 1; pushBytes <= bytes.length; pushBytes++) {
    expect(await decompressed("zstd", bytes, pushBytes)).toBe("one\ntwo\n");
  }
});

test("[FD1] lists every page, reads ranges, and tells an object that was overwritten or deleted", async () => {
  const bucket = inputs.bucket("BUCKET");
  const keys = Array.from(
    { length: 1_203 },
    (_, index) => `list/${String(index).padStart(5, "0")}`,
  );
  await Promise.all(keys.map((key) => env.BUCKET.put(key, key)));
  const listed: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await bucket.list({ prefix: "list/", after });
    listed.push(...page.objects.map(({ key }) => key));
    if (page.isEnd) break;
    after = listed.at(-1);
  }
  expect(listed).toEqual(keys);
  const { objects } = await bucket.list({ prefix: "list/00007", after: undefined });
  const [object] = objects;
  if (object === undefined) throw new Error("Nothing is listed.");
  expect(object.size).toBe("list/00007".length);
  expect(await bucket.read(object, 5, 3)).toMatchObject({
    kind: "bytes",
    bytes: new TextEncoder().encode("000"),
  });
  await env.BUCKET.put(object.key, "other");
  expect(await bucket.read(object, 0, 5)).toEqual({ kind: "changed" });
  await env.BUCKET.delete(object.key);
  expect(await bucket.read(object, 0, 5)).toEqual({ kind: "gone" });
});
