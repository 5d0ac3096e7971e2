/**
 * A block unfolded for iteration in either direction: whole keys in one arena, columns for the rest.
 * One object serves a cursor for all its blocks, so a scan allocates next to nothing.
 */
import { keyPrefix } from "../bytes/compare.ts";
import { freeBytes } from "../bytes/free.ts";
import { damaged } from "./format.ts";
import type { Block } from "./block.ts";
import { BlockReader } from "./block.ts";

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

  load(block: Block): void {
    const reader = this.#reader;
    this.bytes = block.bytes;
    let used = 0;
    let count = 0;
    let lastKey = 0;
    for (let at = 0; at < block.end; at = reader.next) {
      reader.read(block, at);
      const { shared, unshared } = reader;
      const length = shared + unshared;
      if (count === this.kinds.length) this.#growColumns();
      if (used + length > this.keys.length) this.#growKeys(used + length);
      if (count === 0 ? shared > 0 : shared > this.keyLengths[count - 1]!) {
        throw damaged("A block", `its entry at ${at} shares ${shared} bytes with a shorter key`);
      }
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
      used += length;
      count++;
    }
    this.count = count;
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
