/**
 * Counts records per key before they travel: most of a word count's traffic disappears here. Each
 * record costs one pass over its key, which writes, hashes and looks it up; a string Map would hash
 * and intern every record anew.
 *
 * Promise: drain gives each partition one frame with every key of it once, in the order first seen,
 * and empties the combiner. No frame is larger than `maxFrameBytes` unless it holds a single record.
 *
 * All partitions share one table. An entry is a run of 32-bit words: hash, key length in bytes, count,
 * then the key, padded with zeros, so that keys are compared by words. A key is written behind the
 * last entry before it is looked up; where it is new, it is in its place already.
 */
import { HASH_SEED, finishHash, hash32, hashByte } from "../state-engine/bytes/hash.ts";
import { keyCodecs } from "../state-engine/state/key-codec.ts";
import type { KeyCodec } from "../state-engine/state/key-codec.ts";
import { FrameWriter, frameHeaderMaxBytes, maxFrameBytes, recordMaxBytes } from "./frame.ts";
import { keyGroupOf } from "./key-group.ts";

// The words of an entry; the key follows.
const HASH = 0;
const KEY_LENGTH = 1;
const COUNT = 2;
const HEADER_WORDS = 3;
const HEADER_BYTES = HEADER_WORDS * 4;
/** The first entry: 0 stands for a free slot. */
const FIRST = 1;
// A slot is an entry's first word in its low bits and the hash's own high bits above: most keys that
// share a slot by chance are told apart there, without a look at the entry.
const ENTRY_MASK = 0x00ffffff;
const TAG_MASK = ~ENTRY_MASK;
/** Counts stay below, so that they take at most three bytes in a frame. */
const COUNT_LIMIT = 2 ** 20;
const COUNT_MAX_BYTES = 3;

export class CountCombiner {
  /** The partition of each key group. */
  readonly #owners: Uint16Array;
  readonly #writers: readonly FrameWriter[];
  /** Bytes each partition's frame takes at most. */
  readonly #frameBytes: Int32Array;
  /** 1 for a partition whose records are passed over. */
  readonly #isPassedOver: Uint8Array;
  /** By the hash's low bits; the length is a power of two, at most three quarters of them taken: a small table stays in the cache. */
  #slots = new Int32Array(4096);
  #bytes = new Uint8Array(64 * 1024);
  #words = new Int32Array(this.#bytes.buffer);
  #entries = 0;
  /** The word after the last entry. */
  #end = FIRST;

  constructor(owners: Uint16Array, partitions: number) {
    this.#owners = owners;
    this.#writers = Array.from({ length: partitions }, () => new FrameWriter(0));
    this.#frameBytes = new Int32Array(partitions).fill(frameHeaderMaxBytes);
    this.#isPassedOver = new Uint8Array(partitions);
  }

  /** Whether `partition` gets what is added from now on. Only while the combiner is empty. */
  setActive(partition: number, isActive: boolean): void {
    this.#isPassedOver[partition] = isActive ? 0 : 1;
  }

  /** add() of a string key: what almost every key is, in one loop as long as it is ASCII. */
  addString(key: string): boolean {
    const { length } = key;
    this.#makeRoom(length);
    const bytes = this.#bytes;
    let at = this.#end * 4 + HEADER_BYTES;
    let hash = HASH_SEED;
    for (let index = 0; index < length; index++) {
      const unit = key.charCodeAt(index);
      if (unit >= 0x80) return this.add(keyCodecs.string, key);
      bytes[at++] = unit;
      hash = hashByte(hash, unit);
    }
    this.#words[this.#end + HASH] = finishHash(hash);
    this.#words[this.#end + KEY_LENGTH] = length;
    return this.#countNewKey();
  }

  /**
   * Counts one record of the key. False, and it is not counted, when that would make a frame too large:
   * drain first. Throws TypeError for a key of another type.
   */
  add(codec: KeyCodec, key: unknown): boolean {
    this.#makeRoom(codec.maxSize(key));
    const start = this.#end * 4 + HEADER_BYTES;
    const length = codec.write(key, this.#bytes, start) - start;
    this.#words[this.#end + HASH] = hash32(this.#bytes, start, length);
    this.#words[this.#end + KEY_LENGTH] = length;
    return this.#countNewKey();
  }

  /** Hands out the frame of each partition that has records, in order of partition. */
  drain(give: (partition: number, frame: Uint8Array) => void): void {
    const words = this.#words;
    for (let entry = FIRST; entry < this.#end;) {
      const hash = words[entry + HASH]!;
      const length = words[entry + KEY_LENGTH]!;
      const offset = (entry + HEADER_WORDS) * 4;
      const writer = this.#writers[this.#ownerOf(hash)]!;
      writer.addCount(hash, this.#bytes, offset, length, words[entry + COUNT]!);
      entry += HEADER_WORDS + wordsOf(length);
    }
    this.clear();
    for (const [partition, writer] of this.#writers.entries()) {
      if (writer.records > 0) give(partition, writer.finish());
    }
  }

  /** Forgets everything added since the last drain. */
  clear(): void {
    if (this.#entries === 0) return;
    this.#slots.fill(0);
    this.#frameBytes.fill(frameHeaderMaxBytes);
    this.#entries = 0;
    this.#end = FIRST;
  }

  /**
   * Counts the key that stands, with its hash and length, where the next entry will. They are not
   * parameters, because a hash is too large to be passed without being allocated.
   */
  #countNewKey(): boolean {
    const slots = this.#slots;
    const words = this.#words;
    const mask = slots.length - 1;
    const hash = words[this.#end + HASH]!;
    const length = words[this.#end + KEY_LENGTH]!;
    const keyWords = wordsOf(length);
    this.#pad(length);
    let slot = hash & mask;
    for (let occupant = slots[slot]!; occupant !== 0; occupant = slots[slot]!) {
      if (((occupant ^ hash) & TAG_MASK) === 0) {
        const entry = occupant & ENTRY_MASK;
        if (
          words[entry + HASH] === hash &&
          words[entry + KEY_LENGTH] === length &&
          this.#isNewKey(entry, keyWords)
        ) {
          const count = words[entry + COUNT]! + 1;
          if (count === COUNT_LIMIT) return false;
          words[entry + COUNT] = count;
          return true;
        }
      }
      slot = (slot + 1) & mask;
    }
    return this.#insert(slot);
  }

  /** Zeros after the new key, up to a whole word. */
  #pad(length: number): void {
    const bytes = this.#bytes;
    const keyEnd = this.#end * 4 + HEADER_BYTES + length;
    bytes[keyEnd] = 0;
    bytes[keyEnd + 1] = 0;
    bytes[keyEnd + 2] = 0;
  }

  #isNewKey(entry: number, keyWords: number): boolean {
    const words = this.#words;
    const key = entry + HEADER_WORDS;
    const newKey = this.#end + HEADER_WORDS;
    for (let index = 0; index < keyWords; index++) {
      if (words[key + index] !== words[newKey + index]) return false;
    }
    return true;
  }

  #insert(slot: number): boolean {
    const entry = this.#end;
    const hash = this.#words[entry + HASH]!;
    const length = this.#words[entry + KEY_LENGTH]!;
    const partition = this.#ownerOf(hash);
    if (this.#isPassedOver[partition] !== 0) return true;
    const frameBytes = this.#frameBytes[partition]!;
    const size = recordMaxBytes(length, COUNT_MAX_BYTES);
    const isTooLarge = frameBytes > frameHeaderMaxBytes && frameBytes + size > maxFrameBytes;
    if (isTooLarge || entry > ENTRY_MASK) return false;
    this.#frameBytes[partition] = frameBytes + size;
    this.#words[entry + COUNT] = 1;
    this.#slots[slot] = (hash & TAG_MASK) | entry;
    this.#end = entry + HEADER_WORDS + wordsOf(length);
    if (++this.#entries * 4 > this.#slots.length * 3) this.#growSlots();
    return true;
  }

  #ownerOf(hash: number): number {
    return this.#owners[keyGroupOf(hash >>> 0, this.#owners.length)]!;
  }

  /** Room for an entry whose key has up to `keyBytes`, padding included. */
  #makeRoom(keyBytes: number): void {
    const wanted = this.#end * 4 + HEADER_BYTES + keyBytes + 4;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max((wanted + 3) & ~3, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#end * 4));
    this.#bytes = grown;
    this.#words = new Int32Array(grown.buffer);
  }

  #growSlots(): void {
    const words = this.#words;
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let entry = FIRST; entry < this.#end;) {
      const hash = words[entry + HASH]!;
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = (hash & TAG_MASK) | entry;
      entry += HEADER_WORDS + wordsOf(words[entry + KEY_LENGTH]!);
    }
    this.#slots = slots;
  }
}

/** Words that so many bytes take. */
function wordsOf(bytes: number): number {
  return (bytes + 3) >> 2;
}
