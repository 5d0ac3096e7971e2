// oxlint-disable-next-line typescript/triple-slash-reference -- It declares modules; importing it would stay in the bundle.
/// <reference path="./node-modules.d.ts" />
/**
 * The engine's Environment in workerd: its clock and dice, checksums and codecs of node:zlib, and one
 * memory pool for everything alive in the isolate (objects of all classes share its 128 MiB) [31].
 */
import * as zlib from "node:zlib";
import type { Compression, Environment } from "../../state-engine/environment.ts";
import { DEFAULT_POOL_BYTES, SharedMemoryPool } from "../../state-engine/index.ts";

const memory = new SharedMemoryPool(DEFAULT_POOL_BYTES);

const zstd: Compression = {
  compress: (bytes) => plain(zlib.zstdCompressSync(bytes)),
  decompress: (bytes, rawSize) =>
    sized(zlib.zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, rawSize) }), rawSize),
};

const deflateRaw: Compression = {
  compress: (bytes) => plain(zlib.deflateRawSync(bytes)),
  decompress: (bytes, rawSize) =>
    sized(zlib.inflateRawSync(bytes, { maxOutputLength: Math.max(1, rawSize) }), rawSize),
};

export const workerEnvironment: Environment = {
  now: () => Date.now(),
  random: () => Math.random(),
  newId: () => crypto.randomUUID().replaceAll("-", ""),
  crc32: (bytes) => zlib.crc32(bytes),
  codecs: { zstd, "deflate-raw": deflateRaw },
  memory,
};

function sized(bytes: Uint8Array, rawSize: number): Uint8Array {
  if (bytes.length === rawSize) return plain(bytes);
  throw new Error(`A block decompressed to ${bytes.length} bytes where ${rawSize} were promised.`);
}

/** node:zlib answers Buffers, whose slice() shares memory; the engine is promised Uint8Array. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
