/**
 * Walks over the records of one sink in the committed output of a checkpoint, in commit order. Output
 * holds the lines of all outputs of the job; a record is what a line of this one says: the JSON text
 * of its value, or {"key":…,"value":…} for the newest result of a key.
 *
 * Promise: memory for one piece of 1 MiB (or one line, if that is longer), nothing allocated per
 * record; the same output gives the same records at the same places.
 */
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { OutputSegment } from "../coordinator-queries.ts";

/** Before the byte `offset` of a segment of output. */
export type OutputPlace = {
  readonly row: number;
  readonly segment: number;
  readonly offset: number;
};

export interface RecordCursorOptions {
  readonly sink: string;
  readonly output: Iterable<OutputSegment>;
  readonly blobStore: BlobStore;
  /** Where to begin; absent: at the beginning. */
  readonly from?: OutputPlace | undefined;
  /** Called for each read of an object. */
  readonly onRead?: () => void;
}

const pieceBytes = 1024 * 1024;
const lineFeed = 0x0a;
const openBrace = 0x7b;

type Results = Extract<OutputSegment, { kind: "results" }>;

export class RecordCursor {
  /** The current record: `bytes` from `begin` to `end`. Valid until the next move. */
  bytes: Uint8Array = new Uint8Array();
  begin = 0;
  end = 0;
  /** The current record is {"key":…,"value":…}. */
  isKeyed = false;

  readonly #segments: Iterator<OutputSegment>;
  readonly #blobStore: BlobStore;
  readonly #from: OutputPlace | undefined;
  readonly #onRead: () => void;
  /** A line of this sink begins with this; the last byte is the comma before "key" or "value". */
  readonly #prefix: Uint8Array;
  readonly #valuePrefix: Uint8Array;
  #segment: Results | undefined;
  /** Where `bytes` stands in the segment, and what of it is whole lines not yet looked at. */
  #pieceBegin = 0;
  #position = 0;
  #lineBegin = 0;
  #wholeEnd = 0;
  #nextPieceBytes = pieceBytes;

  constructor({ blobStore, from, onRead = () => {}, output, sink }: RecordCursorOptions) {
    const encoder = new TextEncoder();
    this.#segments = output[Symbol.iterator]();
    this.#blobStore = blobStore;
    this.#from = from;
    this.#onRead = onRead;
    this.#prefix = encoder.encode(`{"output":${JSON.stringify(sink)},`);
    this.#valuePrefix = encoder.encode(`"value":`);
  }

  /** Where the current record begins. */
  get place(): OutputPlace {
    return this.#placeOf(this.#lineBegin);
  }

  /** Behind everything looked at. Only after a record was found. */
  get endPlace(): OutputPlace {
    return this.#placeOf(this.#position);
  }

  /** Bytes of the current record. */
  get length(): number {
    return this.end - this.begin;
  }

  /** Moves to the next record of the piece in memory; false when it has no more: then call `advance`. */
  next(): boolean {
    const { bytes } = this;
    while (this.#position < this.#wholeEnd) {
      const begin = this.#position;
      const found = bytes.indexOf(lineFeed, begin);
      const end = found === -1 || found >= this.#wholeEnd ? this.#wholeEnd : found;
      this.#position = Math.min(end + 1, this.#wholeEnd);
      if (this.#select(begin, end)) return true;
    }
    return false;
  }

  /** Moves to the next record beyond the piece in memory; false when there is none. */
  async advance(): Promise<boolean> {
    while (await this.#fill()) {
      if (this.next()) return true;
    }
    return false;
  }

  #placeOf(position: number): OutputPlace {
    const { row, segment } = this.#segment!;
    return { row, segment, offset: this.#pieceBegin + position };
  }

  #select(begin: number, end: number): boolean {
    const { bytes } = this;
    if (!startsWith(bytes, this.#prefix, begin, end)) return false;
    this.#lineBegin = begin;
    const after = begin + this.#prefix.length;
    if (startsWith(bytes, this.#valuePrefix, after, end)) {
      this.begin = after + this.#valuePrefix.length;
      this.end = end - 1;
      this.isKeyed = false;
      return true;
    }
    // "key":…,"value":…}: with a brace in place of the comma before it, it is the record.
    bytes[after - 1] = openBrace;
    this.begin = after - 1;
    this.end = end;
    this.isKeyed = true;
    return true;
  }

  /** The next piece with whole lines; false at the end of the output. */
  async #fill(): Promise<boolean> {
    for (;;) {
      const segment = this.#segment;
      const begin = this.#pieceBegin + this.#wholeEnd;
      if (segment === undefined || begin >= segment.size) {
        if (!this.#openNext()) return false;
        continue;
      }
      const length = Math.min(this.#nextPieceBytes, segment.size - begin);
      const bytes = await this.#read(segment, begin, length);
      const isEnd = begin + length === segment.size;
      const wholeEnd = isEnd ? length : bytes.lastIndexOf(lineFeed) + 1;
      // A line longer than the piece: the same again with more of it.
      this.#nextPieceBytes = wholeEnd === 0 ? length * 2 : pieceBytes;
      this.bytes = bytes;
      this.#pieceBegin = begin;
      this.#position = 0;
      this.#wholeEnd = wholeEnd;
      if (wholeEnd > 0) return true;
    }
  }

  async #read({ data }: Results, begin: number, length: number): Promise<Uint8Array> {
    if ("inline" in data) return data.inline.slice(begin, begin + length);
    this.#onRead();
    const bytes = await this.#blobStore.getRange(data.path, begin, length);
    if (bytes === undefined || bytes.length < length) {
      throw new Error(
        `Committed output is missing or too short: path=${data.path} offset=${begin} length=${length}`,
      );
    }
    return bytes;
  }

  #openNext(): boolean {
    for (;;) {
      const { done, value } = this.#segments.next();
      if (done === true) return false;
      const from = this.#from;
      if (value.kind !== "results") continue;
      const isFirst = value.row === from?.row && value.segment === from.segment;
      const isBefore =
        from !== undefined &&
        (value.row < from.row || (value.row === from.row && value.segment < from.segment));
      if (isBefore) continue;
      this.#segment = value;
      this.#pieceBegin = isFirst ? from.offset : 0;
      this.#position = 0;
      this.#wholeEnd = 0;
      this.#nextPieceBytes = pieceBytes;
      return true;
    }
  }
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array, begin: number, end: number): boolean {
  if (end - begin < prefix.length) return false;
  for (let index = 0; index < prefix.length; index++) {
    if (bytes[begin + index] !== prefix[index]) return false;
  }
  return true;
}
