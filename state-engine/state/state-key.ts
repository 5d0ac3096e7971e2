/**
 * The key of every entry: key group (u16 big-endian) ‖ state id (u16 big-endian) ‖ key ‖ sub-key.
 * Bytes sort as the parts do, so a range of key groups is a range of keys, and so are all entries of
 * one state in a key group, and all sub-keys (map keys, windows) of one key.
 *
 * A state without sub-keys has the key as it is up to the end. With sub-keys the key is escaped: each
 * 00 byte is followed by FF, and 00 01 ends it; that keeps order and makes no key a prefix of another.
 */
import { assert } from "../assert.ts";
import { hash32 } from "../bytes/hash.ts";

export const STATE_KEY_HEADER_BYTES = 4;
const ESCAPED_ZERO = 0xff;
const TERMINATOR = 0x01;

/** Writes key group and state id at `offset`; the key follows at offset + 4. */
export function writeStateKeyHeader(
  bytes: Uint8Array,
  offset: number,
  keyGroup: number,
  stateId: number,
): void {
  bytes[offset] = keyGroup >> 8;
  bytes[offset + 1] = keyGroup;
  bytes[offset + 2] = stateId >> 8;
  bytes[offset + 3] = stateId;
}

/** The whole key of a state without sub-keys. */
export function stateKey(keyGroup: number, stateId: number, key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(STATE_KEY_HEADER_BYTES + key.length);
  writeStateKeyHeader(bytes, 0, keyGroup, stateId);
  bytes.set(key, STATE_KEY_HEADER_BYTES);
  return bytes;
}

/** Header, escaped key and terminator: the prefix of all sub-keys of one key. */
export function stateKeyPrefix(keyGroup: number, stateId: number, key: Uint8Array): Uint8Array {
  let zeros = 0;
  for (const byte of key) if (byte === 0) zeros++;
  const bytes = new Uint8Array(STATE_KEY_HEADER_BYTES + key.length + zeros + 2);
  writeStateKeyHeader(bytes, 0, keyGroup, stateId);
  let at = STATE_KEY_HEADER_BYTES;
  for (const byte of key) {
    bytes[at++] = byte;
    if (byte === 0) bytes[at++] = ESCAPED_ZERO;
  }
  bytes[at + 1] = TERMINATOR;
  return bytes;
}

/** The key of one sub-key. */
export function stateSubKey(prefix: Uint8Array, subKey: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(prefix.length + subKey.length);
  bytes.set(prefix);
  bytes.set(subKey, prefix.length);
  return bytes;
}

/** Takes apart what stateSubKey put together. */
export function splitStateSubKey(bytes: Uint8Array): {
  readonly key: Uint8Array;
  readonly subKey: Uint8Array;
} {
  const key: number[] = [];
  for (let at = STATE_KEY_HEADER_BYTES; at + 1 < bytes.length; at++) {
    if (bytes[at] !== 0) {
      key.push(bytes[at]!);
    } else if (bytes[at + 1] === ESCAPED_ZERO) {
      key.push(0);
      at++;
    } else {
      assert(bytes[at + 1] === TERMINATOR, "a state key's 00 is followed by FF or 01");
      return { key: Uint8Array.from(key), subKey: bytes.subarray(at + 2) };
    }
  }
  throw new Error("Assertion failed: a state key with a sub-key has a terminator");
}

/** The smallest key of a key group: also the end (excluded) of the one before. 65,536 gives an end above all keys. */
export function keyGroupStart(keyGroup: number): Uint8Array {
  if (keyGroup > 0xffff) return Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff);
  return Uint8Array.of(keyGroup >> 8, keyGroup & 0xff);
}

/** The end (excluded) of all keys that begin with `prefix`. */
export function prefixEnd(prefix: Uint8Array): Uint8Array {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  assert(length > 0, "a prefix of FF bytes alone has no end");
  const end = prefix.slice(0, length);
  end[length - 1]!++;
  return end;
}

export function keyGroupOf(bytes: Uint8Array, offset = 0): number {
  return (bytes[offset]! << 8) | bytes[offset + 1]!;
}

export function stateIdOf(bytes: Uint8Array, offset = 0): number {
  return (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
}

/** The hash a state key is found by: that of the bytes after the header, which for a plain key is the key's own. */
export function stateKeyHash(bytes: Uint8Array, offset: number, length: number): number {
  assert(length >= STATE_KEY_HEADER_BYTES, "a state key has at least 4 bytes");
  return hash32(bytes, offset + STATE_KEY_HEADER_BYTES, length - STATE_KEY_HEADER_BYTES);
}
