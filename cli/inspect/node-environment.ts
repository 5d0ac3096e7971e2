/** The engine's Environment for reading on the command line: checksums and codecs of node:zlib. */
import { randomUUID } from "node:crypto";
import * as zlib from "node:zlib";
import type { Environment } from "../../state-engine/environment.ts";
import { SharedMemoryPool } from "../../state-engine/index.ts";

export function nodeEnvironment(): Environment {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    newId: () => randomUUID().replaceAll("-", ""),
    crc32: (bytes) => zlib.crc32(bytes),
    codecs: {
      zstd: {
        compress: (bytes) => new Uint8Array(zlib.zstdCompressSync(bytes)),
        decompress: (bytes, rawSize) =>
          sized(zlib.zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, rawSize) }), rawSize),
      },
      "deflate-raw": {
        compress: (bytes) => new Uint8Array(zlib.deflateRawSync(bytes)),
        decompress: (bytes, rawSize) =>
          sized(zlib.inflateRawSync(bytes, { maxOutputLength: Math.max(1, rawSize) }), rawSize),
      },
    },
    memory: new SharedMemoryPool(),
  };
}

function sized(bytes: Uint8Array, rawSize: number): Uint8Array {
  if (bytes.length === rawSize) return new Uint8Array(bytes);
  throw new Error(`A block decompressed to ${bytes.length} bytes where ${rawSize} were promised.`);
}
