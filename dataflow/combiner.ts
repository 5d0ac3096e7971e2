/**
 * Adds up counts per key before they travel: most of a word count's traffic disappears here. Keys
 * live as bytes in an arena, found by open addressing on their hash; a string Map would hash and
 * intern every record anew.
 *
 * Promise: drain answers one frame with every key once, in the order first seen, and empties the
 * combiner. It never holds more than `maxFrameBytes` unless a single record does.
 */
import { FrameWriter, frameHeaderMaxBytes, maxFrameBytes, recordMaxBytes } from "./frame.ts";

const initialSlots = 256;

export class CountCombiner {
  /** Entry index + 1 by hash; 0 is free. The length is a power of two, at most half full. */
  #slots = new Int32Array(initialSlots);
  #hashes = new Int32Array(initialSlots / 2);
  #keyEnds = new Int32Array(initialSlots / 2);
  #counts = new Float64Array(initialSlots / 2);
  #arena = new Uint8Array(4 * 1024);
  #entries = 0;
  #arenaEnd = 0;
  #frameBytes = frameHeaderMaxBytes;

  get isEmpty(): boolean {
    return this.#entries === 0;
  }

  /**
   * Adds `delta` to the key in `keys` at `offset`, whose hash32 is `hash`. False, and nothing is
   * added, when the frame is full: drain first.
   */
  add(hash: number, keys: Uint8Array, offset: number, length: number, delta: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const signed = hash | 0;
    // The low bits chose the partition already; the high ones are still spread.
    let slot = (hash >>> 7) & mask;
    for (let entry = slots[slot]!; entry !== 0; entry = slots[slot]!) {
      if (this.#hashes[entry - 1] === signed && this.#isKey(entry - 1, keys, offset, length)) {
        this.#counts[entry - 1]! += delta;
        return true;
      }
      slot = (slot + 1) & mask;
    }
    const size = recordMaxBytes(length);
    if (this.#entries > 0 && this.#frameBytes + size > maxFrameBytes) return false;
    this.#insert(slot, signed, keys, offset, length, delta);
    this.#frameBytes += size;
    return true;
  }

  drain(): Uint8Array {
    const writer = new FrameWriter("count", this.#frameBytes);
    let keyOffset = 0;
    for (let entry = 0; entry < this.#entries; entry++) {
      const keyEnd = this.#keyEnds[entry]!;
      const delta = this.#counts[entry]!;
      writer.addCount(this.#hashes[entry]!, this.#arena, keyOffset, keyEnd - keyOffset, delta);
      keyOffset = keyEnd;
    }
    this.clear();
    return writer.finish();
  }

  /** Forgets everything added since the last drain. */
  clear(): void {
    if (this.#entries === 0) return;
    this.#slots.fill(0);
    this.#entries = 0;
    this.#arenaEnd = 0;
    this.#frameBytes = frameHeaderMaxBytes;
  }

  #isKey(entry: number, keys: Uint8Array, offset: number, length: number): boolean {
    const start = entry === 0 ? 0 : this.#keyEnds[entry - 1]!;
    if (this.#keyEnds[entry]! - start !== length) return false;
    const arena = this.#arena;
    for (let index = 0; index < length; index++) {
      if (arena[start + index] !== keys[offset + index]) return false;
    }
    return true;
  }

  #insert(
    slot: number,
    hash: number,
    keys: Uint8Array,
    offset: number,
    length: number,
    delta: number,
  ): void {
    const entry = this.#entries++;
    const end = this.#arenaEnd + length;
    if (end > this.#arena.length) this.#growArena(end);
    const arena = this.#arena;
    for (let index = 0; index < length; index++) {
      arena[this.#arenaEnd + index] = keys[offset + index]!;
    }
    this.#arenaEnd = end;
    this.#hashes[entry] = hash;
    this.#keyEnds[entry] = end;
    this.#counts[entry] = delta;
    this.#slots[slot] = entry + 1;
    if (this.#entries === this.#hashes.length) this.#growTable();
  }

  #growArena(wanted: number): void {
    const grown = new Uint8Array(Math.max(wanted, this.#arena.length * 2));
    grown.set(this.#arena.subarray(0, this.#arenaEnd));
    this.#arena = grown;
  }

  #growTable(): void {
    const capacity = this.#hashes.length * 2;
    this.#hashes = grownCopy(this.#hashes, new Int32Array(capacity));
    this.#keyEnds = grownCopy(this.#keyEnds, new Int32Array(capacity));
    this.#counts = grownCopy(this.#counts, new Float64Array(capacity));
    const slots = new Int32Array(capacity * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#entries; entry++) {
      let slot = (this.#hashes[entry]! >>> 7) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

function grownCopy<Column extends Int32Array | Float64Array>(from: Column, into: Column): Column {
  into.set(from);
  return into;
}
