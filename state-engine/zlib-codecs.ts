/**
 * The block codecs made of what node:zlib has, in Node and in workerd alike. A call of it costs several
 * times what the work on a small block does unless it is told all sizes beforehand, and its default
 * buffers, held until the next collection, can take an isolate's memory away.
 */
import { freeBytes } from "./bytes/free.ts";
import type { Compression, CompressionName } from "./environment.ts";

/** The part of node:zlib that is used. */
export interface ZlibFunctions {
  zstdCompressSync(bytes: Uint8Array, options: ZstdCompressOptions): Uint8Array;
  zstdDecompressSync(bytes: Uint8Array, options: DecompressOptions): Uint8Array;
  deflateRawSync(bytes: Uint8Array, options: DeflateOptions): Uint8Array;
  inflateRawSync(bytes: Uint8Array, options: DecompressOptions): Uint8Array;
}

interface ZstdCompressOptions {
  readonly params: Record<number, number>;
  readonly pledgedSrcSize: number;
  readonly chunkSize: number;
}

interface DeflateOptions {
  readonly chunkSize: number;
  readonly level?: number;
}

interface DecompressOptions {
  readonly maxOutputLength: number;
  readonly chunkSize: number;
}

/** ZSTD_c_compressionLevel, in zstd's own numbers. */
const COMPRESSION_LEVEL = 100;
/** On blocks of a few dozen KiB higher levels save next to nothing and cost up to twice as much. */
const FASTEST_FULL_LEVEL = 1;
/** Of deflate: a compaction that meets large values stands still for each of them. */
const FASTEST_LEVEL = 1;
/**
 * Larger blocks, which are single large values, are deflated: workerd's zstdCompressSync throws "Unexpected end
 * of file" once its output passes some 48 KB (measured, compatibility date 2026-10-01); its deflateRawSync does not.
 */
const LARGEST_ZSTD_BYTES = 32 * 1024;
/** workerd takes its own buffers, up to twice the output, for output: with less it throws "Memory limit exceeded". */
const SPARE_OUTPUT_BYTES = 64 * 1024;
/** An output buffer that is filled to its last byte makes zlib look for more in a second one. */
const SPARE_BYTES = 64;
/** ZSTD_compressBound() of a block: with room for that much zstd writes straight into the output, and not by way of a buffer of its own. */
const zstdBound = (length: number): number => length + (length >> 8) + SPARE_BYTES;

export function zlibCodecs(zlib: ZlibFunctions): Record<CompressionName, Compression> {
  const params = { [COMPRESSION_LEVEL]: FASTEST_FULL_LEVEL };
  return {
    zstd: {
      compress(bytes) {
        const { length } = bytes;
        const chunkSize = zstdBound(length);
        const options = { params, pledgedSrcSize: length, chunkSize };
        return own(zlib.zstdCompressSync(bytes, options), chunkSize);
      },
      decompress: (bytes, rawSize) =>
        sized(zlib.zstdDecompressSync(bytes, decompressOptions(rawSize)), rawSize),
      forLarger: {
        aboveBytes: LARGEST_ZSTD_BYTES,
        name: "deflate-raw",
        compress: (bytes) => deflate(zlib, bytes, FASTEST_LEVEL),
      },
    },
    "deflate-raw": {
      compress: (bytes) => deflate(zlib, bytes),
      decompress: (bytes, rawSize) =>
        sized(zlib.inflateRawSync(bytes, decompressOptions(rawSize)), rawSize),
    },
  };
}

function deflate(zlib: ZlibFunctions, bytes: Uint8Array, level?: number): Uint8Array {
  const chunkSize = bytes.length + SPARE_BYTES;
  const options = level === undefined ? { chunkSize } : { chunkSize, level };
  return own(zlib.deflateRawSync(bytes, options), chunkSize);
}

function decompressOptions(rawSize: number): DecompressOptions {
  return { maxOutputLength: rawSize * 2 + SPARE_OUTPUT_BYTES, chunkSize: rawSize + SPARE_BYTES };
}

function sized(bytes: Uint8Array, rawSize: number): Uint8Array {
  if (bytes.length === rawSize) return own(bytes, rawSize + SPARE_BYTES);
  throw new Error(`A block decompressed to ${bytes.length} bytes where ${rawSize} were promised.`);
}

/** A plain array with a buffer of its own size; the one of `chunkSize` that zlib wrote into is given back. */
function own(bytes: Uint8Array, chunkSize: number): Uint8Array {
  const { buffer, length } = bytes;
  if (buffer.byteLength === length) return new Uint8Array(buffer);
  const copy = new Uint8Array(bytes);
  // Small ones lie in a pool of Node's.
  if (buffer.byteLength === chunkSize) freeBytes(new Uint8Array(buffer));
  return copy;
}
