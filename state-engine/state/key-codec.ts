/**
 * Keys as bytes that sort as the keys do: strings by code point, integers by value. The bytes carry
 * no length and no type; whoever stores them with something behind adds that.
 *
 * Promise: the encoding of a key never changes: its hash places state for ever.
 */
import { readUtf8, utf8MaxSize, writeUtf8 } from "../bytes/utf8.ts";

/** The kinds of key there is a codec for. */
export type KeyType = "string" | "integer";

export interface KeyCodec {
  /** Bytes `key` takes at most. Throws TypeError when it is not a key of this type. */
  maxSize(key: unknown): number;
  /** Writes a key that maxSize has accepted, at `offset`; answers the offset after it. */
  write(key: unknown, target: Uint8Array, offset: number): number;
  /** Throws when the bytes are not a key of this type. */
  read(bytes: Uint8Array): string | number;
}

const stringKeys: KeyCodec = {
  maxSize(key) {
    if (typeof key !== "string") throw wrongKey(key, "a string");
    return utf8MaxSize(key);
  },
  write: (key, target, offset) => writeUtf8(key as string, target, offset),
  read: (bytes) => readUtf8(bytes),
};

/** Eight bytes, big-endian, sign bit flipped. */
const integerKeys: KeyCodec = {
  maxSize(key) {
    if (!Number.isSafeInteger(key)) throw wrongKey(key, "an integer within ±(2^53 - 1)");
    return 8;
  },
  write(key, target, offset) {
    const high = Math.floor((key as number) / 2 ** 32) ^ 0x80000000;
    const low = (key as number) | 0;
    for (let shift = 24; shift >= 0; shift -= 8) {
      target[offset++] = high >>> shift;
    }
    for (let shift = 24; shift >= 0; shift -= 8) {
      target[offset++] = low >>> shift;
    }
    return offset;
  },
  read(bytes) {
    if (bytes.length !== 8) {
      throw new RangeError(`An integer key takes 8 bytes, these are ${bytes.length}.`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
    const key = (view.getUint32(0) ^ 0x80000000) * 2 ** 32 + view.getUint32(4);
    if (!Number.isSafeInteger(key)) {
      throw new RangeError(
        "The integer of this key is beyond ±(2^53 - 1): it was not written here.",
      );
    }
    return key;
  },
};

export const keyCodecs: Readonly<Record<KeyType, KeyCodec>> = {
  string: stringKeys,
  integer: integerKeys,
};

function wrongKey(key: unknown, wanted: string): TypeError {
  const shown = typeof key === "string" ? JSON.stringify(key.slice(0, 40)) : String(key);
  return new TypeError(
    `keyBy answered ${shown} (${typeof key}), but keys of this stream are ${wanted}. ` +
      `Answer a string, or an integer with keyBy(…, "integer").`,
  );
}
