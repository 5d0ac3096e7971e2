/**
 * A hash index over the entries of a block that is read again and again: one probe finds the entry or
 * says that there is none, where a search would touch ten keys. In memory only. Nothing is allocated by
 * a search.
 */
import { hash32 } from "../bytes/hash.ts";
import { STATE_KEY_HEADER_BYTES } from "../state/state-key.ts";
import { BlockReader } from "./block.ts";
import type { Block } from "./block.ts";
import { damaged } from "./format.ts";

/** Entries are numbered in 16 bits; larger blocks are searched. */
const MOST_ENTRIES = 0xfffe;
// The words of a row: hash, where the entry stands in the block, where its whole key stands in #keys.
const WORDS = 4;
const HASH = 0;
const ENTRY_AT = 1;
const KEY_OFFSET = 2;
const KEY_LENGTH = 3;
/** Spreads hashes whose low bits are alike, as those of one key group are. */
const GOLDEN = 0x9e3779b1;
const OBJECT_BYTES = 500;

export class PointIndex {
  /** Row number plus one; 0 is free. */
  readonly #slots: Uint16Array;
  readonly #shift: number;
  readonly #rows: Uint32Array;
  readonly #keys: Uint8Array;

  private constructor(rows: Uint32Array, keys: Uint8Array) {
    const count = rows.length / WORDS;
    const bits = Math.max(2, Math.ceil(Math.log2(count * 1.5)));
    this.#rows = rows;
    this.#keys = keys;
    this.#shift = 32 - bits;
    this.#slots = new Uint16Array(2 ** bits);
    for (let row = 0; row < count; row++) this.#place(row);
  }

  /** Undefined for a block of too many entries. */
  static of(block: Block): PointIndex | undefined {
    const reader = new BlockReader();
    let count = 0;
    let keyBytes = 0;
    for (let at = 0; at < block.end; at = reader.next) {
      reader.read(block, at);
      keyBytes += reader.shared + reader.unshared;
      count++;
    }
    if (count > MOST_ENTRIES) return undefined;
    const rows = new Uint32Array(count * WORDS);
    const keys = new Uint8Array(keyBytes);
    let previous = 0;
    let used = 0;
    let row = 0;
    for (let at = 0; at < block.end; at = reader.next) {
      reader.read(block, at);
      const { shared, unshared, keyOffset } = reader;
      const length = shared + unshared;
      if (length < STATE_KEY_HEADER_BYTES || shared > used - previous) {
        throw damaged("A block", `the key of its entry at ${at} is not a state key`);
      }
      for (let index = 0; index < shared; index++) keys[used + index] = keys[previous + index]!;
      const rest = used + shared;
      for (let index = 0; index < unshared; index++) {
        keys[rest + index] = block.bytes[keyOffset + index]!;
      }
      const header = STATE_KEY_HEADER_BYTES;
      rows[row + HASH] = hash32(keys, used + header, length - header);
      rows[row + ENTRY_AT] = at;
      rows[row + KEY_OFFSET] = used;
      rows[row + KEY_LENGTH] = length;
      row += WORDS;
      previous = used;
      used += length;
    }
    return new PointIndex(rows, keys);
  }

  get usedBytes(): number {
    return this.#slots.length * 2 + this.#rows.length * 4 + this.#keys.length + OBJECT_BYTES;
  }

  /** Where the key's entry stands in the block; -1 when there is none. */
  find(key: Uint8Array, keyOffset: number, keyLength: number, hash: number): number {
    const slots = this.#slots;
    const rows = this.#rows;
    const mask = slots.length - 1;
    let slot = Math.imul(hash, GOLDEN) >>> this.#shift;
    for (;;) {
      const occupant = slots[slot]!;
      if (occupant === 0) return -1;
      const row = (occupant - 1) * WORDS;
      if (rows[row + HASH] === hash && rows[row + KEY_LENGTH] === keyLength) {
        const keys = this.#keys;
        const offset = rows[row + KEY_OFFSET]!;
        let index = 0;
        while (index < keyLength && keys[offset + index] === key[keyOffset + index]) index++;
        if (index === keyLength) return rows[row + ENTRY_AT]!;
      }
      slot = (slot + 1) & mask;
    }
  }

  #place(row: number): void {
    const mask = this.#slots.length - 1;
    let slot = Math.imul(this.#rows[row * WORDS + HASH]!, GOLDEN) >>> this.#shift;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = row + 1;
  }
}
