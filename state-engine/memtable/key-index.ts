/**
 * Finds the entries of a memtable by key: an open-addressing table of hashes and entry numbers, at most
 * half full. Hashes stand beside the numbers, so that a key is compared almost only when it is the one.
 */
import { freeBytes } from "../bytes/free.ts";

// Words of an entry's record (memtable.ts) that are read here.
export const RECORD_WORDS = 8;
export const KEY_OFFSET_WORD = 1;
export const KEY_LENGTH_WORD = 2;
/** Spreads hashes whose low bits are alike, as those of one key group are. */
const GOLDEN = 0x9e3779b1;

export class KeyIndex {
  /** Pairs of a hash and the number of its entry plus one; 0 is free. */
  #slots = new Uint32Array(2048);
  #shift = 22;
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
    let slot = (Math.imul(hash, GOLDEN) >>> this.#shift) * 2;
    for (;;) {
      const occupant = slots[slot + 1]!;
      if (occupant === 0) {
        this.#free = slot;
        return -1;
      }
      if (slots[slot] === hash) {
        const at = (occupant - 1) * RECORD_WORDS;
        if (records[at + KEY_LENGTH_WORD] === keyLength) {
          const offset = records[at + KEY_OFFSET_WORD]!;
          let index = 0;
          while (index < keyLength && arena[offset + index] === key[keyOffset + index]) index++;
          if (index === keyLength) return occupant - 1;
        }
      }
      slot = (slot + 2) & mask;
    }
  }

  /** Adds an entry whose key the last find() did not find. */
  add(entry: number, hash: number): void {
    if ((entry + 1) * 4 > this.#slots.length) {
      this.#grow();
      this.#place(entry, hash);
      return;
    }
    this.#slots[this.#free] = hash;
    this.#slots[this.#free + 1] = entry + 1;
  }

  free(): void {
    freeBytes(this.#slots);
  }

  #grow(): void {
    const older = this.#slots;
    this.#slots = new Uint32Array(older.length * 2);
    this.#shift--;
    for (let slot = 0; slot < older.length; slot += 2) {
      if (older[slot + 1] !== 0) this.#place(older[slot + 1]! - 1, older[slot]!);
    }
    freeBytes(older);
  }

  #place(entry: number, hash: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = (Math.imul(hash, GOLDEN) >>> this.#shift) * 2;
    while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
    slots[slot] = hash;
    slots[slot + 1] = entry + 1;
  }
}
