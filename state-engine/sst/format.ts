/**
 * The layout of a table, FORMAT.md in code: data blocks, index block, filter, properties, footer.
 *
 *   data block 0 … data block n | index block | filter | properties | footer (48 bytes)
 *
 * Every section but the footer is framed: codec u8, raw length u32, CRC-32 u32 (over codec, raw length
 * and the stored bytes), stored bytes. Integers are little-endian; a reader refuses what it does not know.
 */
import type { CompressionName, Environment } from "../environment.ts";
import { StateEngineError } from "../errors.ts";
import { readU32 } from "../bytes/byte-reader.ts";
import { freeBytes } from "../bytes/free.ts";
import { plainBytes } from "../bytes/copy.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";

export const FORMAT_VERSION = 1;
/** Feature flags this code knows; a table with any other is refused. None so far. */
export const KNOWN_FEATURES = 0;
export const FRAME_BYTES = 9;
export const FOOTER_BYTES = 48;
const MAGIC_LOW = 0x52494557; // "WEIR"
const MAGIC_HIGH = 0x00545353; // "SST\0"

/** Flags in the low bits of an entry's value tag: bits 0 and 1 are the kind. */
export const TAG_EXPIRES = 4;
export const TAG_SCALE = 8;

const CODEC_IDS: Record<CompressionName | "none", number> = { none: 0, "deflate-raw": 1, zstd: 2 };
const CODEC_NAMES: readonly (CompressionName | "none")[] = ["none", "deflate-raw", "zstd"];

/** A framed section's place in the table, frame included. */
export interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

export interface Footer {
  readonly index: BlockHandle;
  /** Size 0 when the table has no filter. */
  readonly filter: BlockHandle;
  readonly properties: BlockHandle;
}

/** The bytes compressed when that saves an eighth, undefined otherwise. */
export function compressed(
  raw: Uint8Array,
  compression: CompressionName | "none",
  environment: Environment,
): Uint8Array | undefined {
  if (compression === "none") return undefined;
  const codec = environment.codecs[compression];
  if (codec === undefined) {
    throw new StateEngineError(
      "invalid",
      `This runtime has no codec "${compression}": choose another compression in the tuning.`,
    );
  }
  const { forLarger } = codec;
  const isLarger = forLarger !== undefined && raw.length > forLarger.aboveBytes;
  const stored = isLarger ? forLarger.compress(raw) : codec.compress(raw);
  if (stored.length <= raw.length - (raw.length >> 3)) return stored;
  freeBytes(stored);
  return undefined;
}

/** The codec behind compressed(): another one where that cannot take so much. */
function codecOf(
  length: number,
  compression: CompressionName | "none",
  { codecs }: Environment,
): CompressionName | "none" {
  if (compression === "none") return compression;
  const forLarger = codecs[compression]?.forLarger;
  return forLarger !== undefined && length > forLarger.aboveBytes ? forLarger.name : compression;
}

/** Appends a framed section: `stored` are its compressed bytes, which are given back, undefined to store it as it is. Answers where it stands. */
export function writeFrame(
  writer: ByteWriter,
  raw: Uint8Array,
  compression: CompressionName | "none",
  stored: Uint8Array | undefined,
  environment: Environment,
): BlockHandle {
  const body = stored ?? raw;
  const offset = writer.length;
  const size = FRAME_BYTES + body.length;
  const codec = codecOf(raw.length, compression, environment);
  writer.u8(CODEC_IDS[stored === undefined ? "none" : codec]);
  writer.u32(raw.length);
  writer.u32(0);
  writer.raw(body, 0, body.length);
  if (stored !== undefined) freeBytes(stored);
  writer.length = offset + 5;
  writer.u32(frameChecksum(writer.bytes, offset, size, environment));
  writer.length = offset + size;
  return { offset, size };
}

/** CRC-32 of the frame's head without the checksum, combined with that of the stored bytes. */
function frameChecksum(
  bytes: Uint8Array,
  offset: number,
  size: number,
  environment: Environment,
): number {
  const head = environment.crc32(bytes.subarray(offset, offset + 5));
  const body = environment.crc32(bytes.subarray(offset + FRAME_BYTES, offset + size));
  return (Math.imul(head, 0x9e3779b1) ^ body) >>> 0;
}

/** Checks a framed section and answers its raw bytes: a view when it is stored as it is. */
export function readFrame(
  bytes: Uint8Array,
  offset: number,
  size: number,
  environment: Environment,
  what: string,
): Uint8Array {
  checkPlace(bytes, offset, size, what);
  const expected = readU32(bytes, offset + 5);
  const found = frameChecksum(bytes, offset, size, environment);
  if (expected !== found) throw damaged(what, `its checksum is ${found}, expected ${expected}`);
  return openFrame(bytes, offset, size, environment, what);
}

/** readFrame() of bytes that were built here and have not been anywhere else since: what could have damaged them? */
export function readOwnFrame(
  bytes: Uint8Array,
  offset: number,
  size: number,
  environment: Environment,
  what: string,
): Uint8Array {
  checkPlace(bytes, offset, size, what);
  return openFrame(bytes, offset, size, environment, what);
}

function checkPlace(bytes: Uint8Array, offset: number, size: number, what: string): void {
  if (size >= FRAME_BYTES && offset + size <= bytes.length) return;
  throw damaged(
    what,
    `its frame is ${size} bytes at ${offset} of those read, expected ${FRAME_BYTES} at least and an end at ${bytes.length} at most`,
  );
}

function openFrame(
  bytes: Uint8Array,
  offset: number,
  size: number,
  environment: Environment,
  what: string,
): Uint8Array {
  const codec = CODEC_NAMES[bytes[offset]!];
  if (codec === undefined) {
    throw damaged(what, `its codec is ${bytes[offset]}, expected 0 to ${CODEC_NAMES.length - 1}`);
  }
  const rawLength = readU32(bytes, offset + 1);
  const stored = bytes.subarray(offset + FRAME_BYTES, offset + size);
  if (codec === "none") {
    if (stored.length !== rawLength) {
      throw damaged(what, `it has ${stored.length} bytes, expected ${rawLength}`);
    }
    return stored;
  }
  const decoder = environment.codecs[codec];
  if (decoder === undefined) {
    throw new StateEngineError(
      "invalid",
      `This runtime has no codec "${codec}", needed for ${what}.`,
    );
  }
  try {
    return plainBytes(decoder.decompress(stored, rawLength));
  } catch (cause) {
    throw new StateEngineError(
      "corruption",
      `${what} is damaged: its ${stored.length} bytes of ${codec} do not decompress to the expected ${rawLength}: ${String(cause)}`,
      { cause },
    );
  }
}

export function writeFooter(writer: ByteWriter, footer: Footer, environment: Environment): void {
  const offset = writer.length;
  for (const { offset, size } of [footer.index, footer.filter, footer.properties]) {
    writer.u32(offset);
    writer.u32(size);
  }
  writer.u32(FORMAT_VERSION);
  writer.u32(0); // Feature flags.
  writer.u32(0); // Reserved.
  writer.u32(environment.crc32(writer.bytes.subarray(offset, writer.length)));
  writer.u32(MAGIC_LOW);
  writer.u32(MAGIC_HIGH);
}

/** `bytes` ends with the footer and begins at `begin` in the table; handles are relative to the table's begin. */
export function readFooter(
  bytes: Uint8Array,
  environment: Environment,
  what: string,
  begin = 0,
): Footer {
  const at = bytes.length - FOOTER_BYTES;
  if (at < 0) {
    throw damaged(
      what,
      `it has ${bytes.length} bytes from ${begin} on, expected ${FOOTER_BYTES} at least`,
    );
  }
  const where = `its footer at offset ${begin + at}`;
  const [low, high] = [readU32(bytes, at + 40), readU32(bytes, at + 44)];
  if (low !== MAGIC_LOW || high !== MAGIC_HIGH) {
    throw damaged(
      what,
      `${where} ends with ${low} and ${high}, expected the magic number ${MAGIC_LOW} and ${MAGIC_HIGH}`,
    );
  }
  const expected = readU32(bytes, at + 36);
  const found = environment.crc32(bytes.subarray(at, at + 36));
  if (expected !== found) {
    throw damaged(what, `${where} has the checksum ${found}, expected ${expected}`);
  }
  const version = readU32(bytes, at + 24);
  const features = readU32(bytes, at + 28);
  if (version !== FORMAT_VERSION || (features & ~KNOWN_FEATURES) !== 0) {
    throw new StateEngineError(
      "invalid",
      `${what} has a format or a feature this code does not know: read it with the code that wrote it. format=${version} features=${features} known: format=${FORMAT_VERSION} features=${KNOWN_FEATURES}`,
    );
  }
  const handle = (index: number): BlockHandle => ({
    offset: readU32(bytes, at + index * 8),
    size: readU32(bytes, at + index * 8 + 4),
  });
  return { index: handle(0), filter: handle(1), properties: handle(2) };
}

export function damaged(what: string, reason: string): StateEngineError {
  return new StateEngineError("corruption", `${what} is damaged: ${reason}.`);
}
