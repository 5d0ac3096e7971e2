/**
 * A growing array that bytes are appended to. What was appended stays where it is by offset; the array
 * itself is replaced when it grows. Nothing is allocated per append otherwise.
 */
import { freeBytes } from "../bytes/free.ts";
import { LONG_COPY_BYTES, copyBytes, copyThroughViews, viewOf } from "../bytes/copy.ts";

/** Up to this length a loop over bytes is as good as anything. */
const SHORT_COPY_BYTES = 24;

export class Arena {
  bytes = new Uint8Array(16 * 1024);
  #buffer = this.bytes.buffer;
  #used = 0;
  #view = viewOf(this.bytes);
  /** The array the last bytes came from: those of a batch come in one, so its view serves all of them. */
  #source: Uint8Array = this.bytes;
  #sourceView = this.#view;

  get usedBytes(): number {
    return this.#used;
  }

  /** By how much the array grows when `length` more bytes are appended, a few at a time. */
  growthFor(length: number): number {
    return growthOf(this.bytes.length, this.#used + length);
  }

  /** Answers the offset. */
  append(source: Uint8Array, offset: number, length: number): number {
    const at = this.#used;
    const before = this.bytes;
    if (at + length > before.length) this.#grow(at + length);
    this.#used = at + length;
    this.copy(source, offset, length, at);
    // The source may be a view of the array before.
    if (before !== this.bytes) freeBytes(before);
    return at;
  }

  /** What stands at `offset`, then `more`, at the begin of `room` bytes of their own. Answers where these are. */
  join(offset: number, length: number, more: Uint8Array, room: number): number {
    const at = this.#used;
    const before = this.bytes;
    if (at + room > before.length) this.#grow(at + room);
    this.#used = at + room;
    this.bytes.copyWithin(at, offset, offset + length);
    this.copy(more, 0, more.length, at + length);
    if (before !== this.bytes) freeBytes(before);
    return at;
  }

  /** Overwrites bytes that were appended before. */
  copy(source: Uint8Array, offset: number, length: number, at: number): void {
    if (length <= SHORT_COPY_BYTES || length >= LONG_COPY_BYTES) {
      copyBytes(source, offset, length, this.bytes, at);
    } else if (offset === 0 && length === source.length) {
      this.bytes.set(source, at);
    } else {
      if (this.#source !== source) {
        this.#source = source;
        this.#sourceView = viewOf(source);
      }
      copyThroughViews(this.#sourceView, offset, length, this.#view, at);
    }
  }

  /** A view of bytes that were appended: subarray() in half the time. */
  part(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, offset, length);
  }

  /** Nothing in here is read any more. */
  free(): void {
    freeBytes(this.bytes);
  }

  /** Lets go of the last source, which may be large. */
  forgetSource(): void {
    this.#source = this.bytes;
    this.#sourceView = this.#view;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.#used));
    this.bytes = grown;
    this.#buffer = grown.buffer;
    this.#view = viewOf(grown);
    this.forgetSource();
  }
}

/** Room a value of `length` bytes is given to grow in: the next power of two. */
export function roomFor(length: number): number {
  return length <= 64 ? 64 : 2 ** (32 - Math.clz32(length - 1));
}

/** How much longer an array becomes that is doubled until `needed` fits. */
export function growthOf(length: number, needed: number): number {
  let grown = length;
  while (grown < needed) grown *= 2;
  return grown - length;
}
