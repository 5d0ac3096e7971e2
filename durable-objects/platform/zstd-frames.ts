/**
 * Where the frames of a zstd stream begin and end, read from the lengths in it (RFC 8878, section 3.1):
 * a decoder of one frame can then be given each in turn. Skippable frames are left out.
 *
 * Promise: bytes of frames come out in order and none twice, however the stream is cut. What is in the
 * frames is not looked at: the decoder checks it.
 */

/** Bytes of the frame at hand; the next part begins another one when it ends here. */
export interface FramePart {
  readonly bytes: Uint8Array;
  readonly endsFrame: boolean;
}

type Field =
  | "magic"
  | "frameDescriptor"
  | "frameHeader"
  | "blockHeader"
  | "block"
  | "lastBlock"
  | "checksum"
  | "skippableLength"
  | "skippable";

const frameMagic = 0xfd2fb528;
const firstSkippableMagic = 0x184d2a50;
const magicBytes = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);
const contentSizeBytes = [0, 2, 4, 8] as const;
const dictionaryIdBytes = [0, 1, 2, 4] as const;
const runLengthBlock = 1;

export class ZstdFrames {
  #field: Field = "magic";
  /** Bytes of the field that are still to come. */
  #left = 4;
  /** The field as a little-endian number, as far as it has come; kept for short fields. */
  #value = 0;
  #shift = 0;
  #hasChecksum = false;

  /** Whether the stream may end here. */
  get isBetweenFrames(): boolean {
    return this.#field === "magic" && this.#left === 4;
  }

  /** Throws when something else than a frame begins. */
  cut(bytes: Uint8Array): readonly FramePart[] {
    const parts: FramePart[] = [];
    let [start, offset] = [0, 0];
    while (offset < bytes.length) {
      offset += this.#take(bytes, offset);
      while (this.#left === 0) {
        const ended = this.#field;
        const endsFrame = this.#next();
        if (ended === "magic" && this.#field === "frameDescriptor") {
          parts.push({ bytes: magicBytes, endsFrame: false });
          start = offset;
        }
        if (!endsFrame) continue;
        parts.push({ bytes: bytes.subarray(start, offset), endsFrame });
        start = offset;
      }
    }
    if (start < offset && isInFrame(this.#field)) {
      parts.push({ bytes: bytes.subarray(start, offset), endsFrame: false });
    }
    return parts;
  }

  #take(bytes: Uint8Array, offset: number): number {
    const taken = Math.min(this.#left, bytes.length - offset);
    this.#left -= taken;
    if (!isNumber(this.#field)) return taken;
    for (let index = offset; index < offset + taken; index++) {
      this.#value += bytes[index]! * 2 ** this.#shift;
      this.#shift += 8;
    }
    return taken;
  }

  /** From a field that is whole to the one behind it; true at the end of a frame. */
  #next(): boolean {
    const value = this.#value;
    switch (this.#field) {
      case "magic":
        if (value === frameMagic) this.#expect("frameDescriptor", 1);
        else if (isSkippable(value)) this.#expect("skippableLength", 4);
        else throw new Error("neither the beginning nor a further part of it is a zstd frame");
        return false;
      case "frameDescriptor":
        this.#hasChecksum = (value & 4) !== 0;
        this.#expect("frameHeader", headerBytes(value));
        return false;
      case "frameHeader":
      case "block":
        this.#expect("blockHeader", 3);
        return false;
      case "blockHeader":
        this.#expect((value & 1) === 0 ? "block" : "lastBlock", blockBytes(value));
        return false;
      case "lastBlock":
        if (this.#hasChecksum) this.#expect("checksum", 4);
        else this.#expect("magic", 4);
        return !this.#hasChecksum;
      case "checksum":
        this.#expect("magic", 4);
        return true;
      case "skippableLength":
        this.#expect("skippable", value);
        return false;
      case "skippable":
        this.#expect("magic", 4);
        return false;
    }
  }

  #expect(field: Field, length: number): void {
    this.#field = field;
    this.#left = length;
    this.#value = 0;
    this.#shift = 0;
  }
}

function isNumber(field: Field): boolean {
  return (
    field === "magic" ||
    field === "frameDescriptor" ||
    field === "blockHeader" ||
    field === "skippableLength"
  );
}

function isInFrame(field: Field): boolean {
  return field !== "magic" && field !== "skippableLength" && field !== "skippable";
}

function isSkippable(magic: number): boolean {
  return magic >= firstSkippableMagic && magic < firstSkippableMagic + 16;
}

/** Bytes between the frame's descriptor and its first block. */
function headerBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 32) !== 0;
  const sizeFlag = descriptor >> 6;
  const contentSize = sizeFlag === 0 && isSingleSegment ? 1 : contentSizeBytes[sizeFlag]!;
  return (isSingleSegment ? 0 : 1) + dictionaryIdBytes[descriptor & 3]! + contentSize;
}

function blockBytes(header: number): number {
  return ((header >> 1) & 3) === runLengthBlock ? 1 : header >> 3;
}
