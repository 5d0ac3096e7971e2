/**
 * The bytes counts travel in, combined by key, between a source and a partition, or two partitions.
 * Beside record-frame.ts, whose records go one by one; the second byte tells them apart.
 *
 *   byte 0      format version, 1
 *   byte 1      payload kind, 1
 *   varint      number of records
 *   per record  hash of the key, u32 little-endian; varint key length; key; zigzag varint delta
 *
 * The hash travels so that the receiver needs no second look at the key. A frame says nothing of
 * positions: SourceFrame does. It is at most 256 KiB, unless one record alone is larger.
 */

export const maxFrameBytes = 256 * 1024;
/** Version, kind and record count at most. */
export const frameHeaderMaxBytes = 2 + 5;

/** Bytes a record takes at most whose delta takes `deltaBytes`. */
export function recordMaxBytes(keyLength: number, deltaBytes: number): number {
  return 4 + (keyLength < 0x80 ? 1 : 5) + keyLength + deltaBytes;
}

/** The bytes are not a frame of this format. */
export class FrameError extends Error {
  override readonly name = "FrameError";
}

const formatVersion = 1;
const countsKind = 1;

/** Appends records to a frame. `finish` answers a buffer of its own and empties the writer. */
export class FrameWriter {
  #bytes: Uint8Array;
  /** Records begin here, so that the header can be put in front once their number is known. */
  #end = frameHeaderMaxBytes;
  #records = 0;

  constructor(initialBytes = 1024) {
    this.#bytes = new Uint8Array(Math.max(initialBytes, 64));
  }

  get records(): number {
    return this.#records;
  }

  /** Adds a count. `delta` is an integer nearer to 0 than 2^52. */
  addCount(
    hash: number,
    keys: Uint8Array,
    keyOffset: number,
    keyLength: number,
    delta: number,
  ): void {
    this.#addKey(hash, keys, keyOffset, keyLength, 8);
    this.#end = writeVarint(zigzag(delta), this.#bytes, this.#end);
  }

  finish(): Uint8Array {
    const count = new Uint8Array(5);
    const countLength = writeVarint(this.#records, count, 0);
    const frame = new Uint8Array(2 + countLength + this.#end - frameHeaderMaxBytes);
    frame[0] = formatVersion;
    frame[1] = countsKind;
    frame.set(count.subarray(0, countLength), 2);
    frame.set(this.#bytes.subarray(frameHeaderMaxBytes, this.#end), 2 + countLength);
    this.#end = frameHeaderMaxBytes;
    this.#records = 0;
    return frame;
  }

  #addKey(hash: number, keys: Uint8Array, offset: number, length: number, payload: number): void {
    this.#reserve(4 + 5 + length + payload);
    const bytes = this.#bytes;
    let end = this.#end;
    bytes[end++] = hash;
    bytes[end++] = hash >>> 8;
    bytes[end++] = hash >>> 16;
    bytes[end++] = hash >>> 24;
    end = writeVarint(length, bytes, end);
    for (let index = 0; index < length; index++) bytes[end++] = keys[offset + index]!;
    this.#end = end;
    this.#records++;
  }

  #reserve(more: number): void {
    const wanted = this.#end + more;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }
}

/**
 * Walks a frame without allocating: `next()` moves to a record, the fields describe it. Throws
 * FrameError at the first byte that does not fit; what was read before it was well formed.
 */
export class FrameReader {
  readonly bytes: Uint8Array;
  readonly records: number;
  hash = 0;
  keyOffset = 0;
  keyLength = 0;
  delta = 0;
  #position = 2;
  #left: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    if (bytes.length < 3) throw new FrameError(`A frame has 3 bytes or more, not ${bytes.length}.`);
    if (bytes[0] !== formatVersion) {
      throw new FrameError(
        `Frame format ${bytes[0]} is unknown: this code reads ${formatVersion}.`,
      );
    }
    if (bytes[1] !== countsKind) {
      throw new FrameError(
        `Frame kind ${bytes[1]} is none of counts (${countsKind}): the sender runs another job graph.`,
      );
    }
    this.records = this.#varint();
    this.#left = this.records;
  }

  /** Moves to the next record; false after the last one. */
  next(): boolean {
    const bytes = this.bytes;
    if (this.#left === 0) {
      if (this.#position !== bytes.length) this.#fail("bytes follow the last record");
      return false;
    }
    this.#left--;
    const start = this.#position;
    if (start + 4 > bytes.length) this.#fail("a hash is cut short");
    this.hash =
      (bytes[start]! |
        (bytes[start + 1]! << 8) |
        (bytes[start + 2]! << 16) |
        (bytes[start + 3]! << 24)) >>>
      0;
    this.#position = start + 4;
    this.keyLength = this.#keyLength();
    this.keyOffset = this.#position;
    this.#position += this.keyLength;
    const value = this.#varint();
    this.delta = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    return true;
  }

  #keyLength(): number {
    const length = this.#varint();
    if (length > this.bytes.length - this.#position) this.#fail("a key is cut short");
    return length;
  }

  #varint(): number {
    // Almost every one is a single byte.
    const first = this.bytes[this.#position];
    if (first === undefined || first >= 0x80) return this.#longVarint();
    this.#position++;
    return first;
  }

  #longVarint(): number {
    const bytes = this.bytes;
    let value = 0;
    let scale = 1;
    for (let position = this.#position; position < bytes.length; position++) {
      const byte = bytes[position]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) this.#fail("a number is beyond 2^53 - 1");
        this.#position = position + 1;
        return value;
      }
      scale *= 128;
      if (scale > 2 ** 49) this.#fail("a number is longer than 8 bytes");
    }
    return this.#fail("a number is cut short");
  }

  #fail(what: string): never {
    throw new FrameError(
      `Damaged frame of ${this.bytes.length} bytes at byte ${this.#position}: ${what}.`,
    );
  }
}

/** Negative and positive by turns, so that small deltas stay short. Half the safe range. */
function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

/** LEB128 of a non-negative safe integer. */
function writeVarint(value: number, target: Uint8Array, offset: number): number {
  let rest = value;
  while (rest >= 0x80) {
    if (rest < 0x80000000) {
      target[offset++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    } else {
      target[offset++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
  }
  target[offset++] = rest;
  return offset;
}
