// oxlint-disable-next-line typescript/triple-slash-reference -- It declares modules; importing it would stay in the bundle.
/// <reference path="../../durable-objects/platform/node-modules.d.ts" />
/**
 * Reads a request's body and yields it as segments for the log.
 *
 * Promise: one buffer is read into over and over; at most one segment is held back, to know which is
 * the last. When the body turns out to be wrong, every whole line read before that is yielded first,
 * then BodyError is thrown. A tail without line end is a line only after a clean end of the body [11].
 */
import { isUtf8 } from "node:buffer";
import { CUT_BUFFER_BYTES, cutLines } from "../../durable-objects/lines/cut-lines.ts";

export interface Segment {
  readonly bytes: Uint8Array;
  readonly lines: number;
  /** Number of the first line within the request, from 0, empty lines not counted. */
  readonly fromLine: number;
  /** Nothing follows and the body ended cleanly. The only segment that may have no lines. */
  readonly last: boolean;
}

export type BodyDamage = "lineTooLong" | "notUtf8" | "bodyTooLarge" | "unreadable";

export class BodyError extends Error {
  override readonly name = "BodyError";
  readonly damage: BodyDamage;
  /** Number, from 1, of the line it happened in, empty lines counted. */
  readonly line: number;

  constructor(damage: BodyDamage, line: number, options?: { readonly cause?: unknown }) {
    super(`The body is wrong at line ${line}: ${damage}.`, options);
    this.damage = damage;
    this.line = line;
  }
}

export interface BodyOptions {
  /** Bytes after decompression. */
  readonly bodyLimitBytes: number;
  /** Size of the body when it is known: a small one gets a small buffer. */
  readonly expectedBytes?: number;
}

export async function* segmentsOf(
  body: ReadableStream<Uint8Array>,
  options: BodyOptions,
): AsyncGenerator<Segment, void, undefined> {
  const reader = new BodyReader(body, options);
  let fromLine = 0;
  let bodyLines = 0;
  let held: Omit<Segment, "last"> | undefined;
  try {
    for (;;) {
      const damage = await reader.fill();
      const cut = cutLines(reader.filled, { isEnd: reader.isEnd, isUtf8 });
      reader.consume(cut.consumed);
      bodyLines += cut.bodyLines;
      if (cut.bytes !== undefined) {
        if (held !== undefined) yield { ...held, last: false };
        held = { bytes: cut.bytes, lines: cut.lines, fromLine };
        fromLine += cut.lines;
      }
      const problem = cut.problem ?? (cut.consumed === 0 ? damage?.damage : undefined);
      if (problem !== undefined) {
        if (held !== undefined) yield { ...held, last: false };
        throw new BodyError(problem, bodyLines + 1, { cause: damage?.cause });
      }
      if (reader.isDone) break;
    }
    yield { bytes: new Uint8Array(), lines: 0, fromLine, ...held, last: true };
  } finally {
    await reader.drain();
  }
}

type Damage = { readonly damage: BodyDamage; readonly cause?: unknown };

/** One buffer over a body: filled at its end, consumed from its begin. */
class BodyReader {
  readonly #reader: ReadableStreamBYOBReader;
  readonly #bodyLimitBytes: number;
  #buffer: Uint8Array;
  #length = 0;
  #readBytes = 0;
  #damage: Damage | undefined;
  isEnd = false;

  constructor(body: ReadableStream<Uint8Array>, options: BodyOptions) {
    this.#reader = body.getReader({ mode: "byob" });
    this.#bodyLimitBytes = options.bodyLimitBytes;
    const expected = options.expectedBytes ?? CUT_BUFFER_BYTES;
    // One byte more than expected, so that the end is seen without another round.
    this.#buffer = new Uint8Array(Math.max(1, Math.min(CUT_BUFFER_BYTES, expected + 1)));
  }

  get filled(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  get isDone(): boolean {
    return this.isEnd && this.#length === 0;
  }

  consume(count: number): void {
    this.#buffer.copyWithin(0, count, this.#length);
    this.#length -= count;
  }

  /** Reads until the buffer is full or the body has ended; answers what ended it, once whole lines are all that is left. */
  async fill(): Promise<Damage | undefined> {
    while (!this.isEnd && this.#damage === undefined && this.#length < this.#buffer.length) {
      await this.#read();
    }
    return this.#damage;
  }

  /** Reads and forgets the rest, so that a client that is still sending gets to read the answer. */
  async drain(): Promise<void> {
    this.#length = 0;
    while (!this.isEnd && this.#damage?.damage !== "unreadable") {
      if (this.#readBytes > this.#bodyLimitBytes) return await this.#reader.cancel();
      await this.#read();
      this.#length = 0;
    }
  }

  async #read(): Promise<void> {
    const room = this.#buffer.length - this.#length;
    // Kept aside: reading takes the buffer away, and a failed read does not give it back.
    const kept = this.#buffer.slice(0, this.#length);
    try {
      const view = new Uint8Array(this.#buffer.buffer as ArrayBuffer, this.#length, room);
      const { done, value } = await this.#reader.readAtLeast(room, view);
      this.#buffer = new Uint8Array(value!.buffer);
      this.#length += value!.byteLength;
      this.#readBytes += value!.byteLength;
      if (done) this.isEnd = true;
      if (this.#readBytes > this.#bodyLimitBytes) this.#damage = { damage: "bodyTooLarge" };
    } catch (cause) {
      this.#buffer = kept;
      this.#damage = { damage: "unreadable", cause };
    }
  }
}
