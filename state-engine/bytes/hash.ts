/**
 * The one hash of keys: FNV-1a over the bytes, then murmur3's 32-bit finalizer so that every bit of
 * the result depends on every byte. Key groups, combiners and frames all use it, and it travels with
 * the record, so it is computed once.
 *
 * Promise: the value for given bytes never changes; state is placed by it for ever.
 * Non-goal: resistance to chosen keys.
 *
 * Sources: Fowler, Noll, Vo, draft-eastlake-fnv; Appleby, MurmurHash3 (fmix32).
 */

/** Unsigned 32-bit hash of `length` bytes from `offset`. */
export function hash32(bytes: Uint8Array, offset: number, length: number): number {
  let hash = 0x811c9dc5;
  for (let index = offset, end = offset + length; index < end; index++) {
    hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
