/**
 * The engine's Environment with what a page has: a CRC-32 of its own, decoders in JavaScript (fflate for
 * deflate, fzstd for zstd), and fflate's deflate to write with. A page has no synchronous codec itself.
 */
import { deflateSync, inflateSync } from "fflate";
import { decompress as unzstd } from "fzstd";
import type { Compression, Environment } from "../../state-engine/environment.ts";
import { SharedMemoryPool } from "../../state-engine/index.ts";

export function browserEnvironment(): Environment {
  let ids = 0;
  return {
    now: () => 1_700_000_000_000,
    random: () => 0.5,
    newId: () => (ids++).toString(16).padStart(16, "0"),
    crc32,
    codecs: { "deflate-raw": deflateRaw, zstd },
    memory: new SharedMemoryPool(16 * 1024 * 1024),
  };
}

const deflateRaw: Compression = {
  compress: (bytes) => deflateSync(bytes, { level: 1 }),
  decompress: (bytes, rawSize) =>
    sized(inflateSync(bytes, { out: new Uint8Array(rawSize) }), rawSize),
};

const zstd: Compression = {
  compress() {
    throw new Error("A page reads zstd and does not write it: write deflate-raw.");
  },
  decompress: (bytes, rawSize) => sized(unzstd(bytes, new Uint8Array(rawSize)), rawSize),
};

function sized(bytes: Uint8Array, rawSize: number): Uint8Array {
  if (bytes.length === rawSize) return bytes;
  throw new Error(`A block decompressed to ${bytes.length} bytes where ${rawSize} were promised.`);
}

/** IEEE 802.3, reflected polynomial EDB88320, one byte at a time (RFC 1952, section 8). */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});
