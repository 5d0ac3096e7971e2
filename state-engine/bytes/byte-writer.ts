/**
 * A growing array of bytes with the few encodings the formats use: LEB128 varints (up to 2^53 - 1),
 * little-endian u32, raw bytes. Positions are plain numbers; nothing is allocated per write except
 * when the array grows.
 */
import { freeBytes } from "./free.ts";
import { utf8MaxSize, writeUtf8 } from "./utf8.ts";
import { LONG_COPY_BYTES, copyBytes, copyThroughViews, viewOf } from "./copy.ts";

export class ByteWriter {
  bytes: Uint8Array;
  length = 0;
  #view: DataView;
  readonly #isPrivate: boolean;

  /** `isPrivate`: nobody looks at `bytes` between two writes, so an array that was outgrown is given back at once. */
  constructor(capacity: number, isPrivate = false) {
    this.#isPrivate = isPrivate;
    this.bytes = new Uint8Array(capacity);
    this.#view = viewOf(this.bytes);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.bytes.length) this.#grow(needed);
  }

  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest > 0x7fff_ffff) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    let low = rest | 0;
    while (low > 0x7f) {
      this.bytes[this.length++] = (low & 0x7f) | 0x80;
      low >>>= 7;
    }
    this.bytes[this.length++] = low;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.bytes[this.length++] = value;
    this.bytes[this.length++] = value >>> 8;
    this.bytes[this.length++] = value >>> 16;
    this.bytes[this.length++] = value >>> 24;
  }

  raw(source: Uint8Array, offset: number, length: number): void {
    this.reserve(length);
    copyBytes(source, offset, length, this.bytes, this.length);
    this.length += length;
  }

  /** raw() of an array that has a view. */
  rawThroughView(source: Uint8Array, view: DataView, offset: number, length: number): void {
    if (length >= LONG_COPY_BYTES) {
      this.raw(source, offset, length);
      return;
    }
    this.reserve(length);
    copyThroughViews(view, offset, length, this.#view, this.length);
    this.length += length;
  }

  /** Length, then the bytes. */
  slice(source: Uint8Array): void {
    this.varint(source.length);
    this.raw(source, 0, source.length);
  }

  /** Length of the UTF-8 in bytes, then the UTF-8. */
  text(text: string): void {
    this.reserve(8 + utf8MaxSize(text));
    const start = this.length;
    // Right for ASCII, of which almost every text is.
    this.varint(text.length);
    const from = this.length;
    const end = writeUtf8(text, this.bytes, from);
    this.length = end;
    if (end - from === text.length) return;
    this.length = start;
    this.varint(end - from);
    this.bytes.copyWithin(this.length, from, end);
    this.length += end - from;
  }

  /** What was written, for its new owner: a copy, unless the array is all but full. Not to be written to again. */
  finish(): Uint8Array {
    const spare = this.bytes.length - this.length;
    return spare * 16 <= this.length
      ? this.bytes.subarray(0, this.length)
      : this.bytes.slice(0, this.length);
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    if (this.#isPrivate) freeBytes(this.bytes);
    this.bytes = grown;
    this.#view = viewOf(grown);
  }
}
