/**
 * Finds the entries of a memtable by key: an open-addressing table of pairs of words, at most half full.
 * Bits of the hash stand above each entry's number, so that a key is compared almost only when it is the
 * one. Where its bytes stand is said beside: the processor fetches them and the record at the same time.
 */
import { freeBytes } from "../bytes/free.ts";
import { KEY_LENGTH_SHIFT, KEY_OFFSET, KIND, WORDS } from "./entry-record.ts";

/** Spreads hashes whose low bits are alike, as those of one key group are. */
const GOLDEN = 0x9e3779b1;

export class KeyIndex {
  /**
   * Pairs: the number of an entry plus one, above it as many low bits of its spread hash as there is room for,
   * 0 when it is free; and the key's offset in the arena.
   */
  #slots = new Uint32Array(2048);
  /** So many high ones of a spread hash choose a slot, and the number of an entry plus one fits into as many. */
  #bits = 10;
  /** Where the last find() that found nothing ended: the place of its key. */
  #free = 0;
  get usedBytes(): number {
    return this.#slots.length * 4;
  }

  /** The number of the key's entry; -1 when there is none. `arena` holds the keys of `records`. */
  find(
    records: Uint32Array,
    arena: Uint8Array,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    hash: number,
  ): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const bits = this.#bits;
    const spread = Math.imul(hash, GOLDEN);
    const tag = spread << bits;
    let slot = (spread >>> (32 - bits)) * 2;
    for (;;) {
      const occupant = slots[slot]!;
      if (occupant === 0) {
        this.#free = slot;
        return -1;
      }
      // With the same tag nothing but the number is left.
      const number = occupant ^ tag;
      if (number >>> bits === 0) {
        const offset = slots[slot + 1]!;
        const at = (number - 1) * WORDS;
        if (records[at + KIND]! >>> KEY_LENGTH_SHIFT === keyLength) {
          let index = 0;
          while (index < keyLength && arena[offset + index] === key[keyOffset + index]) index++;
          if (index === keyLength) return number - 1;
        }
      }
      slot = (slot + 2) & mask;
    }
  }

  /** Adds an entry whose key the last find() did not find; `records` and `hashes` hold those of all before it too. */
  add(entry: number, records: Uint32Array, hashes: Uint32Array): void {
    if ((entry + 1) * 4 > this.#slots.length) this.#grow(entry, records, hashes);
    else this.#write(this.#free, entry, Math.imul(hashes[entry]!, GOLDEN), records);
  }

  free(): void {
    freeBytes(this.#slots);
  }

  #grow(last: number, records: Uint32Array, hashes: Uint32Array): void {
    const older = this.#slots;
    const slots = new Uint32Array(older.length * 2);
    const mask = slots.length - 1;
    this.#slots = slots;
    this.#bits++;
    for (let entry = 0; entry <= last; entry++) {
      const spread = Math.imul(hashes[entry]!, GOLDEN);
      let slot = (spread >>> (32 - this.#bits)) * 2;
      while (slots[slot] !== 0) slot = (slot + 2) & mask;
      this.#write(slot, entry, spread, records);
    }
    freeBytes(older);
  }

  #write(slot: number, entry: number, spread: number, records: Uint32Array): void {
    this.#slots[slot] = (spread << this.#bits) | (entry + 1);
    this.#slots[slot + 1] = records[entry * WORDS + KEY_OFFSET]!;
  }
}
