/** The block codecs in the runtime they are for: workerd's zlib has limits of its own. */
import { expect, test } from "vitest";
import { workerEnvironment } from "../../durable-objects/platform/worker-environment.ts";
import { ByteWriter } from "../../state-engine/bytes/byte-writer.ts";
import type { CompressionName } from "../../state-engine/environment.ts";
import { compressed, readFrame, writeFrame } from "../../state-engine/sst/format.ts";

/** By the first byte of a frame (FORMAT.md). */
const CODECS = ["none", "deflate-raw", "zstd"];

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

/** The frame that a table holds the bytes in, and whether they are read back from it. */
function framed(raw: Uint8Array, compression: CompressionName) {
  const writer = new ByteWriter(raw.length + 64, true);
  const stored = compressed(raw, compression, workerEnvironment);
  const { size } = writeFrame(writer, raw, compression, stored, workerEnvironment);
  const bytes = writer.finish();
  const read = readFrame(bytes, 0, size, workerEnvironment, "The block");
  const isSame = read.length === raw.length && read.every((byte, index) => byte === raw[index]);
  const codec = CODECS.at(new DataView(bytes.buffer, bytes.byteOffset).getUint8(0));
  return { size, rawSize: raw.length, codec, isSame };
}

test.each(["zstd", "deflate-raw"] as const)("%s reads back blocks of every size", (name) => {
  const wrong: string[] = [];
  for (const size of SIZES) {
    for (const symbols of [1, 7, 256]) {
      if (!framed(bytesOf(size, symbols), name).isSame) wrong.push(`${size} of ${symbols} symbols`);
    }
  }
  expect(wrong).toEqual([]);
});

test("blocks larger than zstd can take are compressed all the same", () => {
  const raw = [32_768, 32_769, 100_000, 2_000_000].map((size) => bytesOf(size, 7));
  const frames = raw.map((bytes) => framed(bytes, "zstd"));
  expect(frames.map(({ codec }) => codec)).toEqual([
    "zstd",
    "deflate-raw",
    "deflate-raw",
    "deflate-raw",
  ]);
  for (const { size, rawSize } of frames) expect(size).toBeLessThan(rawSize / 2);
});
