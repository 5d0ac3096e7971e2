/**
 * A block unfolded for iteration in either direction: whole keys in one arena, columns for the rest.
 * One object serves a cursor for all its blocks, so a scan allocates next to nothing.
 */
import { compareBytes, keyPrefix } from "../bytes/compare.ts";
import { STATE_KEY_HEADER_BYTES } from "../state/state-key.ts";
import { freeBytes } from "../bytes/free.ts";
import type { Block } from "./block.ts";
import { BlockReader, misplacedKey } from "./block.ts";

/** Entries; enough for blocks of 16 KiB with values of about 100 bytes. */
const FIRST_CAPACITY = 160;
/** Of one entry: four columns of integers, three of numbers, its kind. */
const COLUMN_BYTES = 4 * 4 + 3 * 8 + 1;

export class DecodedBlock {
  count = 0;
  /** Raw bytes, which hold the values. */
  bytes: Uint8Array = new Uint8Array(0);
  keys: Uint8Array = new Uint8Array(4 * 1024);
  keyOffsets = new Uint32Array(FIRST_CAPACITY);
  keyLengths = new Uint32Array(FIRST_CAPACITY);
  /** The key's first four bytes (key group and state id) and the six after them, as numbers. */
  heads = new Float64Array(FIRST_CAPACITY);
  prefixes = new Float64Array(FIRST_CAPACITY);
  kinds = new Uint8Array(FIRST_CAPACITY);
  valueOffsets = new Uint32Array(FIRST_CAPACITY);
  valueLengths = new Uint32Array(FIRST_CAPACITY);
  expiries = new Float64Array(FIRST_CAPACITY);
  readonly #reader = new BlockReader();

  get usedBytes(): number {
    return this.keys.length + this.kinds.length * COLUMN_BYTES;
  }

  /** Gives its memory back: no cursor will use it again. */
  free(): void {
    freeBytes(this.keys);
    freeBytes(this.keyOffsets);
    freeBytes(this.keyLengths);
    freeBytes(this.heads);
    freeBytes(this.prefixes);
    freeBytes(this.kinds);
    freeBytes(this.valueOffsets);
    freeBytes(this.valueLengths);
    freeBytes(this.expiries);
  }

  /**
   * Unfolds a block. Throws a StateEngineError for one with keys that are none or shorter than `leastKeyBytes`, which
   * separators may be, and where a whole key does not come after the key before.
   */
  load(block: Block, leastKeyBytes = STATE_KEY_HEADER_BYTES): void {
    const reader = this.#reader;
    this.bytes = block.bytes;
    let used = 0;
    let count = 0;
    let lastKey = 0;
    let lastLength = 0;
    for (let at = 0; at < block.end; at = reader.next) {
      reader.read(block, at);
      const { shared, unshared } = reader;
      const length = shared + unshared;
      // Order is checked where a whole key stands: at restarts, and so all through an index. More costs a scan too much.
      if (shared === 0 || shared > lastLength || length < leastKeyBytes) {
        this.#checkOrder(block, at, lastKey, lastLength, leastKeyBytes);
      }
      if (count === this.kinds.length) this.#growColumns();
      if (used + length > this.keys.length) this.#growKeys(used + length);
      const { keys } = this;
      for (let index = 0; index < shared; index++) keys[used + index] = keys[lastKey + index]!;
      const from = reader.keyOffset;
      for (let index = 0; index < unshared; index++) {
        keys[used + shared + index] = block.bytes[from + index]!;
      }
      this.keyOffsets[count] = used;
      this.keyLengths[count] = length;
      this.heads[count] = keyHead(keys, used);
      this.prefixes[count] = keyPrefix(keys, used + 4, length - 4);
      this.kinds[count] = reader.kind;
      this.valueOffsets[count] = reader.valueOffset;
      this.valueLengths[count] = reader.valueLength;
      this.expiries[count] = reader.expiresAt;
      lastKey = used;
      lastLength = length;
      used += length;
      count++;
    }
    this.count = count;
  }

  /** Throws unless the entry just read is whole, with a key that comes after the last one: `lastLength` bytes at `lastKey`. */
  #checkOrder(
    block: Block,
    at: number,
    lastKey: number,
    lastLength: number,
    leastKeyBytes: number,
  ): void {
    const { shared, unshared, keyOffset } = this.#reader;
    const isLongEnough = shared <= lastLength && shared + unshared >= leastKeyBytes;
    const from = lastKey + shared;
    const rest = lastLength - shared;
    if (isLongEnough && compareBytes(block.bytes, keyOffset, unshared, this.keys, from, rest) > 0) {
      return;
    }
    throw misplacedKey(block, at, this.#reader, lastLength, leastKeyBytes);
  }

  #growKeys(needed: number): void {
    const grown = new Uint8Array(needed * 2);
    grown.set(this.keys);
    freeBytes(this.keys);
    this.keys = grown;
  }

  #growColumns(): void {
    const capacity = this.kinds.length * 2;
    const grow = <Column extends Uint8Array | Uint32Array | Float64Array>(
      old: Column,
      grown: Column,
    ): Column => {
      grown.set(old);
      freeBytes(old);
      return grown;
    };
    this.keyOffsets = grow(this.keyOffsets, new Uint32Array(capacity));
    this.keyLengths = grow(this.keyLengths, new Uint32Array(capacity));
    this.heads = grow(this.heads, new Float64Array(capacity));
    this.prefixes = grow(this.prefixes, new Float64Array(capacity));
    this.kinds = grow(this.kinds, new Uint8Array(capacity));
    this.valueOffsets = grow(this.valueOffsets, new Uint32Array(capacity));
    this.valueLengths = grow(this.valueLengths, new Uint32Array(capacity));
    this.expiries = grow(this.expiries, new Float64Array(capacity));
  }
}

/** The first four bytes of a key as a number; every key has at least four. */
export function keyHead(bytes: Uint8Array, offset: number): number {
  return (
    bytes[offset]! * 0x100_0000 +
    ((bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!)
  );
}
