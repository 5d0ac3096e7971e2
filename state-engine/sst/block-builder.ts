/**
 * Builds one block: entries in order of key, each with what it shares with the one before left out,
 * a whole key every `restartInterval` entries, and the offsets of those at the end.
 */
import { assert } from "../assert.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { freeBytes } from "../bytes/free.ts";
import { TAG_EXPIRES, TAG_SCALE } from "./format.ts";

/** What the integers before a key take at most: four varints. */
const ENTRY_HEAD_BYTES = 32;

export class BlockBuilder {
  readonly #writer: ByteWriter;
  readonly #restartInterval: number;
  readonly #restarts: number[] = [];
  #lastKey = new Uint8Array(64);
  #lastKeyLength = 0;
  #count = 0;
  /** Entries until the next whole key. */
  #untilRestart = 0;

  constructor(blockBytes: number, restartInterval: number) {
    this.#writer = new ByteWriter(blockBytes + 1024);
    this.#restartInterval = restartInterval;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes the block has so far, without the restarts. */
  get size(): number {
    return this.#writer.length;
  }

  get lastKey(): Uint8Array {
    return this.#lastKey.subarray(0, this.#lastKeyLength);
  }

  /** Keys must ascend. `expiresAt` is Infinity for entries that do not expire. `valueView`: of all of `value`. */
  add(
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    kind: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiresAt: number,
    valueView?: DataView,
  ): void {
    const writer = this.#writer;
    writer.reserve(ENTRY_HEAD_BYTES + keyLength + valueLength);
    const same = this.#sharedWithLast(key, keyOffset, keyLength);
    let shared = same;
    if (this.#untilRestart === 0) {
      this.#restarts.push(writer.length);
      this.#untilRestart = this.#restartInterval;
      shared = 0;
    }
    this.#untilRestart--;
    this.#remember(key, keyOffset, keyLength, same);
    const unshared = keyLength - shared;
    const expires = expiresAt !== Infinity;
    const tag = valueLength * TAG_SCALE + kind + (expires ? TAG_EXPIRES : 0);
    const { bytes } = writer;
    let at = writer.length;
    if ((shared | unshared) < 0x80 && tag < 0x4000 && !expires) {
      bytes[at++] = shared;
      bytes[at++] = unshared;
      if (tag >= 0x80) bytes[at++] = tag | 0x80;
      bytes[at++] = tag < 0x80 ? tag : tag >> 7;
    } else {
      writer.varint(shared);
      writer.varint(unshared);
      writer.varint(tag);
      if (expires) writer.varint(storedExpiry(expiresAt));
      at = writer.length;
    }
    const from = keyOffset + shared;
    for (let index = 0; index < unshared; index++) bytes[at + index] = key[from + index]!;
    writer.length = at + unshared;
    if (valueView === undefined) writer.raw(value, valueOffset, valueLength);
    else writer.rawThroughView(value, valueView, valueOffset, valueLength);
    this.#count++;
  }

  /** The block's raw bytes, a view good until the next add(); the builder is empty afterwards. */
  finish(): Uint8Array {
    const writer = this.#writer;
    for (const restart of this.#restarts) writer.u32(restart);
    writer.u32(this.#restarts.length);
    const bytes = writer.bytes.subarray(0, writer.length);
    writer.length = 0;
    this.#restarts.length = 0;
    this.#count = 0;
    this.#untilRestart = 0;
    return bytes;
  }

  /** Gives its memory back: no block will be built again. */
  free(): void {
    freeBytes(this.#writer.bytes);
  }

  /** Leading bytes the key shares with the one before in this block; asserts that it comes after it. */
  #sharedWithLast(key: Uint8Array, offset: number, length: number): number {
    if (this.#count === 0) return 0;
    const last = this.#lastKey;
    const lastLength = this.#lastKeyLength;
    const limit = lastLength < length ? lastLength : length;
    let shared = 0;
    while (shared < limit && last[shared] === key[offset + shared]) shared++;
    assert(
      shared < limit ? last[shared]! < key[offset + shared]! : lastLength < length,
      "keys are added to a block in ascending order",
    );
    return shared;
  }

  /** The first `same` bytes are those remembered already. */
  #remember(key: Uint8Array, offset: number, length: number, same: number): void {
    if (length > this.#lastKey.length) {
      const grown = new Uint8Array(length * 2);
      grown.set(this.#lastKey);
      this.#lastKey = grown;
    }
    const last = this.#lastKey;
    for (let index = same; index < length; index++) last[index] = key[offset + index]!;
    this.#lastKeyLength = length;
  }
}

/** What a table keeps of a time at which an entry expires: whole milliseconds from 0. */
export function storedExpiry(expiresAt: number): number {
  return Math.max(0, Math.floor(expiresAt));
}
