/** Bytes as a gzip file (RFC 1952) of one member, without a time or a name: the same bytes give the same file. */
import type { Environment } from "../../state-engine/environment.ts";

const headerBytes = 10;
const trailerBytes = 8;

export function gzip(
  bytes: Uint8Array,
  environment: Pick<Environment, "codecs" | "crc32">,
): Uint8Array {
  const deflate = environment.codecs["deflate-raw"];
  if (deflate === undefined)
    throw new Error("This runtime has no deflate: write files without gzip.");
  const body = deflate.compress(bytes);
  const file = new Uint8Array(headerBytes + body.length + trailerBytes);
  // Magic number, method deflate, no flags, no time, no hints, operating system unknown.
  file.set([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
  file.set(body, headerBytes);
  const trailer = new DataView(file.buffer, headerBytes + body.length);
  trailer.setUint32(0, environment.crc32(bytes), true);
  trailer.setUint32(4, bytes.length >>> 0, true);
  return file;
}
