/**
 * The bytes records travel in one by one, with everything an operator may ask of them. Beside
 * frame.ts, whose counts are combined; the second byte tells them apart.
 *
 *   byte 0      format version, 1
 *   byte 1      payload kind, 3
 *   varint      number of records
 *   per record  flags: 1 has a timestamp, 2 new arrival time, 4 new watermark, 8 new line,
 *               16 broadcast, 32 input other than 0
 *               [varint input] [varint lines further] [zigzag arrival time further]
 *               [zigzag watermark further] [zigzag timestamp further]
 *               [hash of the key, u32 little-endian; varint key length; key]  not for a broadcast
 *               varint value length; value
 *
 * "Further": than the one before in the frame, the first one than 0. A watermark stands before its
 * record: what the source had reached with all lines before. So what a record meets depends on the log
 * alone, however frames are cut [13]; and a record that fails is known by its line [42].
 */
import { ByteReader } from "../state-engine/bytes/byte-reader.ts";
import { ByteWriter } from "../state-engine/bytes/byte-writer.ts";
import { FrameError } from "./frame.ts";

const FORMAT_VERSION = 1;
const RECORDS_KIND = 3;
const FLAG = { timestamp: 1, arrival: 2, watermark: 4, line: 8, broadcast: 16, input: 32 } as const;
/** Zigzag doubles, and numbers stay exact below 2^53: years 285 million before and after the epoch. */
const LARGEST_TIME = 2 ** 51;

/** What travels of a record. The writer's caller fills one object in again and again. */
export interface TravellingRecord {
  input: number;
  isBroadcast: boolean;
  hash: number;
  key: Uint8Array;
  keyLength: number;
  value: Uint8Array;
  timestamp: number | undefined;
  /** -Infinity while unknown. */
  watermark: number;
  arrivalTime: number;
  line: number;
}

/** What a frame says of a watermark of Infinity: a job that was drained and goes on has it. */
const END_OF_TIME = LARGEST_TIME / 2;

export class RecordFrameWriter {
  #writer = new ByteWriter(1024);
  #records = 0;
  #line = 0;
  #arrivalTime = 0;
  #watermark = -Infinity;
  #timestamp = 0;

  get isEmpty(): boolean {
    return this.#records === 0;
  }

  /** Bytes so far, the frame's head included at its largest. */
  get size(): number {
    return this.#writer.length + 10;
  }

  add(record: TravellingRecord): void {
    const writer = this.#writer;
    const { timestamp } = record;
    // Event time that has ended stands behind every timestamp there is.
    const watermark = record.watermark === Infinity ? END_OF_TIME : record.watermark;
    const hasWatermark = watermark !== this.#watermark;
    writer.u8(
      (timestamp === undefined ? 0 : FLAG.timestamp) |
        (record.arrivalTime === this.#arrivalTime ? 0 : FLAG.arrival) |
        (hasWatermark ? FLAG.watermark : 0) |
        (record.line === this.#line ? 0 : FLAG.line) |
        (record.isBroadcast ? FLAG.broadcast : 0) |
        (record.input === 0 ? 0 : FLAG.input),
    );
    if (record.input !== 0) writer.varint(record.input);
    if (record.line !== this.#line) writer.varint(record.line - this.#line);
    this.#line = record.line;
    if (record.arrivalTime !== this.#arrivalTime) {
      this.#time(record.arrivalTime - this.#arrivalTime);
      this.#arrivalTime = record.arrivalTime;
    }
    if (hasWatermark) {
      this.#time(watermark - (this.#watermark === -Infinity ? 0 : this.#watermark));
      this.#watermark = watermark;
    }
    if (timestamp !== undefined) {
      this.#time(timestamp - this.#timestamp);
      this.#timestamp = timestamp;
    }
    if (!record.isBroadcast) {
      writer.u32(record.hash);
      writer.varint(record.keyLength);
      writer.raw(record.key, 0, record.keyLength);
    }
    writer.slice(record.value);
    this.#records++;
  }

  /** A buffer of its own; the writer is empty afterwards. */
  finish(): Uint8Array {
    const frame = new ByteWriter(this.size);
    frame.u8(FORMAT_VERSION);
    frame.u8(RECORDS_KIND);
    frame.varint(this.#records);
    frame.raw(this.#writer.bytes, 0, this.#writer.length);
    this.clear();
    return frame.finish();
  }

  clear(): void {
    this.#writer.length = 0;
    this.#records = 0;
    this.#line = 0;
    this.#arrivalTime = 0;
    this.#watermark = -Infinity;
    this.#timestamp = 0;
  }

  #time(further: number): void {
    if (!(Math.abs(further) < LARGEST_TIME)) {
      throw new RangeError(
        `A time is ${further} ms away from the one before it. Timestamps are milliseconds since the epoch.`,
      );
    }
    this.#writer.varint(further >= 0 ? further * 2 : -further * 2 - 1);
  }
}

/** Walks a frame: next() moves to a record, the fields describe it. Keys and values are views of the frame. */
export class RecordFrameReader implements TravellingRecord {
  readonly records: number;
  input = 0;
  isBroadcast = false;
  hash = 0;
  key: Uint8Array = new Uint8Array(0);
  keyLength = 0;
  value: Uint8Array = new Uint8Array(0);
  timestamp: number | undefined = undefined;
  watermark = -Infinity;
  arrivalTime = 0;
  line = 0;
  readonly #bytes: Uint8Array;
  readonly #reader: ByteReader;
  #left: number;
  #lastTimestamp = 0;
  #lastWatermark = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#reader = new ByteReader(bytes, 0, bytes.length, "A frame of records");
    const version = this.#reader.u8();
    const kind = this.#reader.u8();
    if (version !== FORMAT_VERSION || kind !== RECORDS_KIND) {
      throw new FrameError(
        `A frame of format ${version} and kind ${kind} came where records are expected: the sender runs another job graph.`,
      );
    }
    this.records = this.#reader.varint();
    this.#left = this.records;
  }

  /** Another reader that stands where this one does. Walks there from the frame's beginning. */
  fork(): RecordFrameReader {
    const fork = new RecordFrameReader(this.#bytes);
    while (fork.#left > this.#left) fork.next();
    return fork;
  }

  /** False after the last record. */
  next(): boolean {
    const reader = this.#reader;
    if (this.#left === 0) {
      reader.expectEnd();
      return false;
    }
    this.#left--;
    const flags = reader.u8();
    this.input = (flags & FLAG.input) === 0 ? 0 : reader.varint();
    if ((flags & FLAG.line) !== 0) this.line += reader.varint();
    if ((flags & FLAG.arrival) !== 0) this.arrivalTime += this.#time();
    if ((flags & FLAG.watermark) !== 0) {
      this.#lastWatermark += this.#time();
      this.watermark = this.#lastWatermark;
    }
    this.timestamp = undefined;
    if ((flags & FLAG.timestamp) !== 0) {
      this.#lastTimestamp += this.#time();
      this.timestamp = this.#lastTimestamp;
    }
    this.isBroadcast = (flags & FLAG.broadcast) !== 0;
    if (!this.isBroadcast) {
      this.hash = reader.u32();
      this.key = reader.slice();
      this.keyLength = this.key.length;
    }
    this.value = reader.slice();
    return true;
  }

  #time(): number {
    const value = this.#reader.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
