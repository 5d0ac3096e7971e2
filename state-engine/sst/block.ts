/**
 * One data block, checked and decompressed, and the point search in it: binary search over the
 * restarts, then at most one restart interval of entries. Nothing is allocated by a search.
 */
import { readU32 } from "../bytes/byte-reader.ts";
import { compareBytes } from "../bytes/compare.ts";
import { damaged, TAG_EXPIRES, TAG_SCALE } from "./format.ts";

export class Block {
  readonly bytes: Uint8Array;
  /** Where the entries end and the restarts begin. */
  readonly end: number;
  readonly restarts: number;
  /** Bytes this block keeps in memory on its own account. */
  readonly chargedBytes: number;
  /** Set by each use, cleared by the cache's hand. */
  isReferenced = true;

  constructor(bytes: Uint8Array, chargedBytes: number, what: string) {
    this.bytes = bytes;
    this.chargedBytes = chargedBytes;
    const restarts = bytes.length < 4 ? 0 : readU32(bytes, bytes.length - 4);
    this.restarts = restarts;
    this.end = bytes.length - 4 - restarts * 4;
    if (restarts < 1 || this.end <= 0 || readU32(bytes, this.end) !== 0) {
      throw damaged(what, `${restarts} restarts do not fit a block of ${bytes.length} bytes`);
    }
  }

  restart(index: number): number {
    return readU32(this.bytes, this.end + index * 4);
  }
}

/** Reads entries of one block one after the other; one object is used again and again. */
export class BlockReader {
  shared = 0;
  unshared = 0;
  kind = 0;
  keyOffset = 0;
  valueOffset = 0;
  valueLength = 0;
  expiresAt = Infinity;
  /** Where the next entry begins. */
  next = 0;
  #bytes = new Uint8Array(0) as Uint8Array;
  #end = 0;
  #at = 0;

  /** Decodes the entry at `at`: its key's unshared bytes stand at keyOffset. */
  read(block: Block, at: number): void {
    this.#bytes = block.bytes;
    this.#end = block.end;
    this.#at = at;
    this.shared = this.#varint();
    this.unshared = this.#varint();
    const tag = this.#varint();
    this.kind = tag & 3;
    this.valueLength = Math.floor(tag / TAG_SCALE);
    this.expiresAt = (tag & TAG_EXPIRES) === 0 ? Infinity : this.#varint();
    this.keyOffset = this.#at;
    this.valueOffset = this.#at + this.unshared;
    this.next = this.valueOffset + this.valueLength;
    if (this.next > this.#end || this.kind === 3) {
      throw damaged(
        "A block",
        `its entry at ${at} is not one or leaves the block of ${this.#end} bytes`,
      );
    }
  }

  /** Finds the key: true when it is in the block, with its entry in the fields. */
  find(block: Block, key: Uint8Array, keyOffset: number, keyLength: number): boolean {
    let low = 0;
    let high = block.restarts - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      this.read(block, block.restart(middle));
      const order = compareBytes(
        block.bytes,
        this.keyOffset,
        this.unshared,
        key,
        keyOffset,
        keyLength,
      );
      if (order === 0) return true;
      if (order < 0) low = middle;
      else high = middle - 1;
    }
    return this.#scan(block, block.restart(low), key, keyOffset, keyLength);
  }

  /**
   * Walks from a restart. `matched` is how many leading bytes of the wanted key the last entry had; an
   * entry that shares more than that with its predecessor sorts like it, so it needs no comparison.
   */
  #scan(
    block: Block,
    from: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): boolean {
    const { bytes, end } = block;
    let at = from;
    let matched = 0;
    while (at < end) {
      this.read(block, at);
      if (this.shared < matched) return false;
      if (this.shared === matched) {
        const { unshared } = this;
        let index = 0;
        const limit = Math.min(unshared, keyLength - matched);
        const keyAt = keyOffset + matched;
        while (index < limit && bytes[this.keyOffset + index] === key[keyAt + index]) index++;
        matched += index;
        if (index === unshared && matched === keyLength) return true;
        if (
          index === limit ? index < unshared : bytes[this.keyOffset + index]! > key[keyAt + index]!
        ) {
          return false;
        }
      }
      at = this.next;
    }
    return false;
  }

  #varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 128;
    do {
      if (this.#at >= this.#end || scale > 2 ** 49) {
        throw damaged("A block", `it holds an integer that does not end, at ${this.#at}`);
      }
      byte = bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    return value;
  }
}
