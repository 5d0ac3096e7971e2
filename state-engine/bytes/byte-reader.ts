/**
 * Reads what ByteWriter wrote, with every bound checked: damaged input ends in a StateEngineError of
 * kind "corruption" that says where, never in a wrong value from beyond the end.
 */
import { StateEngineError } from "../errors.ts";
import { readUtf8 } from "./utf8.ts";

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #what: string;
  #at: number;

  /** `what` names the input in error messages. */
  constructor(bytes: Uint8Array, offset: number, end: number, what: string) {
    this.#bytes = bytes;
    this.#at = offset;
    this.#end = Math.min(end, bytes.length);
    this.#what = what;
  }

  get offset(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    this.#require(1);
    return this.#bytes[this.#at++]!;
  }

  u32(): number {
    this.#require(4);
    const value = readU32(this.#bytes, this.#at);
    this.#at += 4;
    return value;
  }

  varint(): number {
    const first = this.#at < this.#end ? this.#bytes[this.#at]! : 0x80;
    if (first < 0x80) {
      this.#at++;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value <= Number.MAX_SAFE_INTEGER) return value;
        break;
      }
      scale *= 128;
    }
    throw this.#damaged("a varint is longer than 53 bits");
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Uint8Array {
    this.#require(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Length, then that many bytes, as a view. */
  slice(): Uint8Array {
    return this.raw(this.varint());
  }

  /** Length, then that many bytes, as the text that `read` makes of them. */
  text(read: (bytes: Uint8Array, from: number, to: number) => string = readUtf8): string {
    const length = this.varint();
    this.#require(length);
    this.#at += length;
    return read(this.#bytes, this.#at - length, this.#at);
  }

  /** Everything must have been read. */
  expectEnd(): void {
    if (this.#at !== this.#end) throw this.#damaged(`${this.remaining} bytes are left over`);
  }

  #require(count: number): void {
    if (count > this.#end - this.#at) throw this.#damaged(`it ends ${count} bytes too early`);
  }

  #damaged(reason: string): StateEngineError {
    return new StateEngineError(
      "corruption",
      `${this.#what} is damaged: ${reason}. offset=${this.#at} end=${this.#end}`,
    );
  }
}

/** Little-endian u32 without a bound check. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset]! |
      (bytes[offset + 1]! << 8) |
      (bytes[offset + 2]! << 16) |
      (bytes[offset + 3]! << 24)) >>>
    0
  );
}
