/** The block codecs in the runtime they are for: workerd's zlib has limits of its own. */
import { expect, test } from "vitest";
import { workerEnvironment } from "../../durable-objects/platform/worker-environment.ts";

const SIZES = [
  1, 100, 4_096, 16_384, 32_768, 32_769, 48_000, 65_536, 131_073, 1_000_000, 2_000_000,
];

/** Bytes that compress well, a little, and not at all. */
function bytesOf(size: number, symbols: number): Uint8Array {
  let state = 12_345;
  return Uint8Array.from({ length: size }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) % symbols;
  });
}

test.each(["zstd", "deflate-raw"] as const)("%s reads back blocks of every size", (name) => {
  const codec = workerEnvironment.codecs[name];
  if (codec === undefined) throw new Error(`workerd has no ${name}.`);
  const wrong: string[] = [];
  for (const size of SIZES) {
    for (const symbols of [1, 7, 256]) {
      const raw = bytesOf(size, symbols);
      const stored = codec.compress(raw);
      const read = stored.buffer === raw.buffer ? raw : codec.decompress(stored, size);
      const isSame = read.length === size && read.every((byte, index) => byte === raw[index]);
      if (!isSame) wrong.push(`${size} bytes of ${symbols} symbols`);
    }
  }
  expect(wrong).toEqual([]);
});
