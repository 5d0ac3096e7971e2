/**
 * Builds one block: entries in order of key, each with what it shares with the one before left out,
 * a whole key every `restartInterval` entries, and the offsets of those at the end.
 */
import { assert } from "../assert.ts";
import { compareBytes, sharedPrefixLength } from "../bytes/compare.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { TAG_EXPIRES, TAG_SCALE } from "./format.ts";

export class BlockBuilder {
  readonly #writer: ByteWriter;
  readonly #restartInterval: number;
  readonly #restarts: number[] = [];
  #lastKey = new Uint8Array(64);
  #lastKeyLength = 0;
  #count = 0;

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

  /** Keys must ascend. `expiresAt` is Infinity for entries that do not expire. */
  add(
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    kind: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiresAt: number,
  ): void {
    const writer = this.#writer;
    let shared = 0;
    if (this.#count % this.#restartInterval === 0) {
      this.#restarts.push(writer.length);
    } else {
      shared = sharedPrefixLength(this.#lastKey, 0, this.#lastKeyLength, key, keyOffset, keyLength);
    }
    assert(
      this.#count === 0 ||
        compareBytes(this.#lastKey, 0, this.#lastKeyLength, key, keyOffset, keyLength) < 0,
      "keys are added to a block in ascending order",
    );
    const expires = expiresAt !== Infinity;
    writer.varint(shared);
    writer.varint(keyLength - shared);
    writer.varint(valueLength * TAG_SCALE + kind + (expires ? TAG_EXPIRES : 0));
    if (expires) writer.varint(storedExpiry(expiresAt));
    writer.raw(key, keyOffset + shared, keyLength - shared);
    writer.raw(value, valueOffset, valueLength);
    this.#remember(key, keyOffset, keyLength);
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
    return bytes;
  }

  #remember(key: Uint8Array, offset: number, length: number): void {
    if (length > this.#lastKey.length) this.#lastKey = new Uint8Array(length * 2);
    const last = this.#lastKey;
    for (let index = 0; index < length; index++) last[index] = key[offset + index]!;
    this.#lastKeyLength = length;
  }
}

/** What a table keeps of a time at which an entry expires: whole milliseconds from 0. */
export function storedExpiry(expiresAt: number): number {
  return Math.max(0, Math.floor(expiresAt));
}
