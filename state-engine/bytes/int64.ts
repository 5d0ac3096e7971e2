/**
 * 64-bit integers as bytes: the shortest big-endian two's complement, 1 to 8 bytes, so that a small
 * count costs one byte. Exact over the whole range; sums wrap at 64 bits like any int64.
 */
import { StateEngineError } from "../errors.ts";

/** Encodes a safe integer or a bigint (taken modulo 2^64). */
export function encodeInt64(value: number | bigint): Uint8Array {
  if (typeof value === "number") {
    return encodeInt64Words(Math.floor(value / 0x1_0000_0000) | 0, value >>> 0);
  }
  const wrapped = BigInt.asIntN(64, value);
  return encodeInt64Words(Number(wrapped >> 32n), Number(wrapped & 0xffff_ffffn));
}

/** Encodes from two halves: `high` signed, `low` unsigned. */
export function encodeInt64Words(high: number, low: number): Uint8Array {
  const bytes = new Uint8Array(int64Length(high, low));
  writeInt64Words(bytes, 0, high, low);
  return bytes;
}

/** Bytes that the shortest form takes. */
export function int64Length(high: number, low: number): number {
  if (high === low >> 31) return signedLength(low | 0);
  return 4 + signedLength(high);
}

/** Writes the shortest form at `offset` and answers its length. */
export function writeInt64Words(
  bytes: Uint8Array,
  offset: number,
  high: number,
  low: number,
): number {
  const length = int64Length(high, low);
  for (let index = 0; index < length; index++) {
    const shift = (length - 1 - index) * 8;
    bytes[offset + index] = shift >= 32 ? high >> (shift - 32) : low >> shift;
  }
  return length;
}

/** The low half, unsigned. */
export function int64Low(bytes: Uint8Array, offset: number, length: number): number {
  checkLength(length);
  let low = bytes[offset]! >= 0x80 ? -1 : 0;
  for (let index = Math.max(0, length - 4); index < length; index++) {
    low = (low << 8) | bytes[offset + index]!;
  }
  return low >>> 0;
}

/** The high half, signed. */
export function int64High(bytes: Uint8Array, offset: number, length: number): number {
  checkLength(length);
  let high = bytes[offset]! >= 0x80 ? -1 : 0;
  for (let index = 0; index < length - 4; index++) high = (high << 8) | bytes[offset + index]!;
  return high;
}

export function decodeInt64(bytes: Uint8Array, offset = 0, length = bytes.length): bigint {
  const high = BigInt(int64High(bytes, offset, length));
  return (high << 32n) | BigInt(int64Low(bytes, offset, length));
}

/** The value as a number: exact within the safe integers, the nearest one beyond. */
export function decodeInt64Number(bytes: Uint8Array, offset = 0, length = bytes.length): number {
  return int64High(bytes, offset, length) * 0x1_0000_0000 + int64Low(bytes, offset, length);
}

function signedLength(word: number): number {
  if (word >= -0x80 && word < 0x80) return 1;
  if (word >= -0x8000 && word < 0x8000) return 2;
  if (word >= -0x80_0000 && word < 0x80_0000) return 3;
  return 4;
}

function checkLength(length: number): void {
  if (length < 1 || length > 8) {
    throw new StateEngineError(
      "corruption",
      `A 64-bit integer takes 1 to 8 bytes; found length=${length}.`,
    );
  }
}

/** Adds a safe integer to the one whose low half stands at `at` and whose high half behind it, wrapping at 64 bits. */
export function addToWords(words: Uint32Array, at: number, delta: number): void {
  const low = words[at]! + (delta >>> 0);
  words[at] = low;
  const deltaHigh = delta >= 0 && delta <= 0xffff_ffff ? 0 : Math.floor(delta / 0x1_0000_0000);
  words[at + 1] = words[at + 1]! + deltaHigh + (low > 0xffff_ffff ? 1 : 0);
}
