/** Buckets and codecs of workerd, as feeds use them. */
import { env as untyped } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { CompressedFormat } from "../../durable-objects/inputs.ts";
import type { WeirBindings } from "../../durable-objects/platform/bindings.ts";
import { createWorkerInputs } from "../../durable-objects/platform/worker-inputs.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const env = untyped as unknown as WeirBindings;
const inputs = createWorkerInputs(env);
const random = new SeededRandom(20_261_123);
const text = Array.from({ length: 40_000 }, () => `line ${random.integer(1_000)}`).join("\n");

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

describe.each(["gzip"] as const)("%s", (format) => {
  const compress = gzip;

  test("[FD5] comes back whole, however it is cut", async () => {
    for (const pushBytes of [1_000, 16 * 1024, 10_000_000]) {
      expect(await decompressed(format, await compress(text), pushBytes)).toBe(text);
    }
  });

  test("[FD5] that is cut short or damaged is refused", async () => {
    const whole = await compress(text);
    await expect(decompressed(format, whole.slice(0, -5))).rejects.toThrow(/\S/);
    const damaged = whole.slice();
    const middle = Math.floor(whole.length / 2);
    damaged.fill(0, middle, middle + 100);
    await expect(decompressed(format, damaged)).rejects.toThrow(/\S/);
    await expect(decompressed(format, new TextEncoder().encode(text))).rejects.toThrow(/\S/);
  });
});

test("[FD5] several members of gzip are one text", async () => {
  const parts = new Uint8Array([...(await gzip("one\ntwo\n")), ...(await gzip("three\n"))]);
  expect(await decompressed("gzip", parts)).toBe("one\ntwo\nthree\n");
});

test("[FD5] a damaged checksum of gzip is refused", async () => {
  const bytes = await gzip(text);
  bytes.fill(0, bytes.length - 8, bytes.length - 4);
  await expect(decompressed("gzip", bytes)).rejects.toThrow(/\S/);
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
