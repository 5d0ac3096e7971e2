/**
 * One data block, checked and decompressed, and the point search in it: binary search over the
 * restarts, then at most one restart interval of entries. Nothing is allocated by a search.
 */
import type { StateEngineError } from "../errors.ts";
import { freeBytes } from "../bytes/free.ts";
import { readU32 } from "../bytes/byte-reader.ts";
import { compareBytes } from "../bytes/compare.ts";
import { viewOf } from "../bytes/copy.ts";
import { damaged, TAG_EXPIRES, TAG_SCALE } from "./format.ts";

/**
 * Whose the bytes are: the cache's until it lets go of them; nobody's but its cursors', and gone when they move
 * on; or others', who give them back themselves.
 */
export type BlockOwner = "cache" | "cursors" | "others";

export class Block {
  // What point reads look at comes first and so stands together in memory.
  readonly bytes: Uint8Array;
  readonly #buffer: ArrayBufferLike;
  readonly #byteOffset: number;
  /** Made when the block is searched a second time: a block read once is not worth one. See point-index.ts. */
  index: Uint32Array | undefined;
  indexRows = 0;
  indexStride = 0;
  /** Set by each use, cleared by the cache's hand. */
  isReferenced = true;
  /** Where the entries end and the restarts begin. */
  readonly end: number;
  readonly restarts: number;
  readonly view: DataView;
  /** Which block of which table, for error messages. */
  readonly what: string;
  /** Bytes this block keeps in memory on its own account; more once it has an index. */
  chargedBytes: number;
  wasSearched = false;
  /** Cursors that stand on it. One that is given up halfway still counts: then the bytes wait for the collector. */
  #cursors = 0;
  #owner: BlockOwner;

  constructor(bytes: Uint8Array, chargedBytes: number, what: string, owner: BlockOwner = "others") {
    this.#owner = owner;
    this.bytes = bytes;
    this.what = what;
    this.#buffer = bytes.buffer;
    this.#byteOffset = bytes.byteOffset;
    this.view = viewOf(bytes);
    this.chargedBytes = chargedBytes;
    const restarts = bytes.length < 4 ? 0 : readU32(bytes, bytes.length - 4);
    this.restarts = restarts;
    this.end = bytes.length - 4 - restarts * 4;
    if (restarts < 1 || this.end <= 0 || readU32(bytes, this.end) !== 0) {
      throw damaged(
        what,
        `it has ${restarts} restarts in ${bytes.length} bytes, expected at least one, the first at 0, and an entry`,
      );
    }
  }

  get isHeld(): boolean {
    return this.#cursors > 0;
  }

  /** A cursor stands on it: its bytes stay. */
  hold(): void {
    this.#cursors++;
  }

  /** The cursor has moved on. */
  release(): void {
    this.#cursors--;
    this.#freeUnread();
  }

  /** The cache has let go of it, for good. */
  evicted(): void {
    this.#owner = "cursors";
    if (this.index !== undefined) freeBytes(this.index);
    this.index = undefined;
    this.#freeUnread();
  }

  #freeUnread(): void {
    if (this.#owner === "cursors" && this.#cursors === 0) freeBytes(this.bytes);
  }

  /** A view of some of the bytes: subarray() in half the time. */
  part(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, this.#byteOffset + offset, length);
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
  /** The varint that #longVarint read ended before this. */
  #after = 0;

  /** Decodes the entry at `at`: its key's unshared bytes stand at keyOffset. Almost every integer is one byte. */
  read(block: Block, at: number): void {
    const { bytes, end } = block;
    let next = at;
    let shared = bytes[next++]!;
    if (shared >= 0x80) {
      shared = this.#longVarint(bytes, next - 1, end, block);
      next = this.#after;
    }
    let unshared = bytes[next++]!;
    if (unshared >= 0x80) {
      unshared = this.#longVarint(bytes, next - 1, end, block);
      next = this.#after;
    }
    let tag = bytes[next++]!;
    if (tag >= 0x80) {
      tag = this.#longVarint(bytes, next - 1, end, block);
      next = this.#after;
    }
    if ((tag & TAG_EXPIRES) !== 0) {
      this.expiresAt = this.#longVarint(bytes, next, end, block);
      next = this.#after;
    } else if (this.expiresAt !== Infinity) {
      this.expiresAt = Infinity;
    }
    this.shared = shared;
    this.unshared = unshared;
    this.kind = tag & 3;
    this.valueLength = tag < 0x4000_0000 ? tag >> 3 : Math.floor(tag / TAG_SCALE);
    this.keyOffset = next;
    this.valueOffset = next + unshared;
    this.next = this.valueOffset + this.valueLength;
    if (!(this.next <= end) || this.kind === 3) {
      throw misshapenEntry(block, at, this);
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

  #longVarint(bytes: Uint8Array, at: number, end: number, block: Block): number {
    let value = 0;
    let scale = 1;
    for (let next = at; next < end && scale < 2 ** 53; next++) {
      const byte = bytes[next]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#after = next + 1;
        return value;
      }
      scale *= 128;
    }
    throw damaged(
      block.what,
      `its integer at ${at} does not end, expected at most 8 bytes before ${end}`,
    );
  }
}

function misshapenEntry(
  { what, end }: Block,
  at: number,
  { kind, next }: BlockReader,
): StateEngineError {
  return kind === 3
    ? damaged(what, `its entry at ${at} is of kind 3, expected 0 to 2`)
    : damaged(what, `its entry at ${at} ends at ${next}, expected ${end} at most`);
}

/** The error for an entry whose key, as it shares with the one before, is not one, or does not come after it. */
export function misplacedKey(
  block: Block,
  at: number,
  { shared, unshared }: BlockReader,
  lastLength: number,
  leastKeyBytes: number,
): StateEngineError {
  const entry = `its entry at ${at}`;
  if (shared > lastLength) {
    const reason = `${entry} shares ${shared} bytes with the key before, expected ${lastLength} at most`;
    return damaged(block.what, reason);
  }
  const length = shared + unshared;
  return length < leastKeyBytes
    ? damaged(
        block.what,
        `${entry} has a key of ${length} bytes, expected ${leastKeyBytes} at least`,
      )
    : damaged(
        block.what,
        `${entry} has a key that does not come after the one before, expected ascending keys`,
      );
}
