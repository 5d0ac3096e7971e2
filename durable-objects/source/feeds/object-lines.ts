/**
 * The lines of one object as segments, with the place behind each: decoded bytes and lines, from which
 * another reader goes on. The rules for lines are those of posted bodies.
 *
 * Promise: what is whole before damage is answered first, then ObjectDamage is thrown.
 */
import type { Cut } from "../../lines/cut-lines.ts";
import { CUT_BUFFER_BYTES, cutLines } from "../../lines/cut-lines.ts";
import type { LineSegment } from "../../lines/segments-of-text.ts";
import type { InputObject, Inputs } from "../../inputs.ts";
import { damage, ObjectBytes, ObjectDamage } from "./object-bytes.ts";
import type { StoredBytes } from "./object-bytes.ts";

/** How far an object is read. */
export interface ObjectPlace {
  /** Decoded bytes. */
  readonly byte: number;
  /** Lines, empty ones included. */
  readonly line: number;
}

export type ObjectCut =
  | {
      readonly kind: "lines";
      readonly segment: LineSegment | undefined;
      readonly place: ObjectPlace;
    }
  /** Bytes before the place to go on from were decompressed. */
  | { readonly kind: "skipping" }
  | { readonly kind: "end" };

export class ObjectLines {
  readonly object: InputObject;
  readonly #inputs: Inputs;
  readonly #bytes: ObjectBytes;
  readonly #buffer: Uint8Array;
  #length = 0;
  #place: ObjectPlace;
  /** Bytes that did not fit into the buffer. */
  #rest: Uint8Array | undefined;
  #isEnd = false;
  #damage: ObjectDamage | undefined;

  /** `buffer` is used as long as this reader is. */
  constructor(options: {
    readonly stored: StoredBytes;
    readonly inputs: Inputs;
    readonly object: InputObject;
    readonly from: ObjectPlace;
    readonly buffer: Uint8Array;
  }) {
    const { buffer, from, inputs, object, stored } = options;
    this.object = object;
    this.#inputs = inputs;
    this.#buffer = buffer;
    this.#place = from;
    this.#bytes = new ObjectBytes(stored, inputs, object, from.byte);
  }

  async next(): Promise<ObjectCut> {
    if ((await this.#fill()) === "skipping") return { kind: "skipping" };
    if (this.#length === 0 && this.#isEnd) return { kind: "end" };
    const cut = this.#cut();
    if (cut.consumed === 0) throw this.#damageOf(cut);
    this.#place = {
      byte: this.#place.byte + cut.consumed,
      line: this.#place.line + cut.bodyLines,
    };
    const segment = cut.bytes && { bytes: cut.bytes, lines: cut.lines };
    return { kind: "lines", segment, place: this.#place };
  }

  close(): void {
    this.#bytes.close();
  }

  /** Until the buffer is full, or nothing more comes. */
  async #fill(): Promise<"skipping" | void> {
    while (this.#length < this.#buffer.length && !this.#isEnd && this.#damage === undefined) {
      if (this.#rest === undefined) {
        const bytes = await this.#read();
        if (bytes === "skipping") return "skipping";
        if (bytes === undefined) continue;
        this.#rest = bytes;
      }
      const taken = this.#rest.subarray(0, this.#buffer.length - this.#length);
      this.#buffer.set(taken, this.#length);
      this.#length += taken.length;
      this.#rest = taken.length < this.#rest.length ? this.#rest.subarray(taken.length) : undefined;
    }
  }

  async #read(): Promise<Uint8Array | "skipping" | undefined> {
    try {
      const bytes = await this.#bytes.next();
      if (bytes === undefined) this.#isEnd = true;
      return bytes;
    } catch (error) {
      if (!(error instanceof ObjectDamage)) throw error;
      this.#damage = error;
      return undefined;
    }
  }

  #cut(): Cut {
    const filled = this.#buffer.subarray(0, this.#length);
    const cut = cutLines(filled, { isEnd: this.#isEnd, isUtf8: this.#inputs.isUtf8 });
    this.#buffer.copyWithin(0, cut.consumed, this.#length);
    this.#length -= cut.consumed;
    return cut;
  }

  #damageOf({ problem }: Cut): ObjectDamage {
    const { byte, line } = this.#place;
    const where = `Line ${line + 1} of it, at byte ${byte} of its text,`;
    if (problem === "lineTooLong")
      return damage(this.object, `has too long a line. ${where} has more than 1 MiB`);
    if (problem === "notUtf8") return damage(this.object, `is not UTF-8 text. ${where} is not`);
    return (
      this.#damage ?? damage(this.object, `ends within a line, which cannot be. ${where} is torn`)
    );
  }
}

export function newObjectBuffer(): Uint8Array {
  return new Uint8Array(CUT_BUFFER_BYTES);
}
