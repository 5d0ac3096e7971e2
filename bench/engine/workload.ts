/**
 * The keys and values both sides are given: 16-byte keys (two bytes of key group, two of state id, 12
 * hexadecimal digits) that come in no order, and 100-byte values. Whatever the index, the same bytes.
 */
import { SeededRandom } from "../../test/support/seeded-random.ts";

export const KEY_BYTES = 16;
export const VALUE_BYTES = 100;
export const BATCH_ENTRIES = 1000;
export const KEY_GROUPS = { first: 0, last: 127 };
export const PLAIN_STATE = 1;
export const COUNT_STATE = 2;

const POOL_BYTES = 1024 * 1024;
const DIGITS = new TextEncoder().encode("0123456789abcdef");

export class Workload {
  readonly entries: number;
  /** All keys, one after the other. */
  readonly keys: Uint8Array;
  readonly #values: Uint8Array;

  /** `compressible`: each value says the same 50 bytes twice, as LevelDB's own benchmark does. */
  constructor(entries: number, stateId: number, compressible: boolean) {
    this.entries = entries;
    this.keys = new Uint8Array(entries * KEY_BYTES);
    for (let index = 0; index < entries; index++) writeKey(this.keys, index, stateId);
    this.#values = valuePool(compressible);
  }

  key(index: number): Uint8Array {
    return this.keys.subarray(index * KEY_BYTES, (index + 1) * KEY_BYTES);
  }

  /** Holds the value of every index, at valueOffset(). */
  get values(): Uint8Array {
    return this.#values;
  }

  valueOffset(index: number): number {
    return ((index * 37) % ((POOL_BYTES / VALUE_BYTES - 1) | 0)) * VALUE_BYTES;
  }

  value(index: number): Uint8Array {
    const offset = this.valueOffset(index);
    return this.#values.subarray(offset, offset + VALUE_BYTES);
  }
}

/** `count` indexes below `limit`, each as likely as any other. */
export function uniformIndexes(count: number, limit: number): Uint32Array {
  const random = new SeededRandom(1);
  return Uint32Array.from({ length: count }, () => random.integer(limit));
}

/** `count` indexes below `limit`, the one of rank r with a weight of 1 / r^0.99, as YCSB does; ranks are spread over the indexes. */
export function zipfIndexes(count: number, limit: number): Uint32Array {
  const random = new SeededRandom(2);
  const cumulative = new Float64Array(limit);
  let sum = 0;
  for (let rank = 0; rank < limit; rank++) {
    sum += 1 / (rank + 1) ** 0.99;
    cumulative[rank] = sum;
  }
  const indexes = new Uint32Array(count);
  for (let draw = 0; draw < count; draw++) {
    const wanted = random.next() * sum;
    let low = 0;
    let high = limit - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    indexes[draw] = (low * 7919) % limit;
  }
  return indexes;
}

function writeKey(keys: Uint8Array, index: number, stateId: number): void {
  const mixed = mix(index);
  const at = index * KEY_BYTES;
  keys[at + 1] = mixed & KEY_GROUPS.last;
  keys[at + 3] = stateId;
  for (let digit = 0; digit < 8; digit++) {
    keys[at + 4 + digit] = DIGITS[(mixed >>> (28 - digit * 4)) & 15]!;
  }
  for (let digit = 0; digit < 4; digit++) {
    keys[at + 12 + digit] = DIGITS[(index >>> (12 - digit * 4)) & 15]!;
  }
}

/** MurmurHash3's finaliser: different for different indexes. */
function mix(index: number): number {
  let mixed = index ^ (index >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function valuePool(compressible: boolean): Uint8Array {
  const random = new SeededRandom(3);
  const pool = Uint8Array.from({ length: POOL_BYTES }, () => random.integer(256));
  const half = VALUE_BYTES / 2;
  if (!compressible) return pool;
  for (let at = 0; at + VALUE_BYTES <= POOL_BYTES; at += VALUE_BYTES) {
    pool.copyWithin(at + half, at, at + half);
  }
  return pool;
}
