/**
 * The one 32-bit hash of the system: key groups, memtable slots and bloom filters all use it, so a
 * value computed while a record is encoded serves everywhere. FNV-1a over the bytes (one multiply a
 * byte, can be carried along in any loop that produces them), then MurmurHash3's finaliser, because
 * FNV's low bits alone are poor.
 *
 * Stable for ever: it decides where stored keys are looked for.
 */

/** Where a hash carried along by hand begins. */
export const HASH_SEED = 0x811c9dc5;

/** Adds one byte to a hash under way. */
export function hashByte(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

/** Ends a hash carried along by hand: what hash32 answers for the same bytes. Unsigned. */
export function finishHash(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Hash of `length` bytes at `offset`, an unsigned 32-bit integer. */
export function hash32(bytes: Uint8Array, offset = 0, length = bytes.length - offset): number {
  let hash = HASH_SEED;
  const end = offset + length;
  for (let index = offset; index < end; index++) {
    hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  }
  return finishHash(hash);
}
