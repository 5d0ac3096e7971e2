/**
 * The decoded bytes of one object from a given byte on: plain text by ranges, compressed text
 * decompressed from the beginning and skipped up to there. Memory is bounded by a range of the object,
 * by what is read ahead and by what a few KiB decompress to.
 */
import type {
  CompressedFormat,
  Decompressor,
  InputObject,
  Inputs,
  ObjectRead,
} from "../../inputs.ts";
import type { ReadPlace } from "./read-ahead.ts";

/** What keeps an object from being read. `reason` ends with what to do. */
export class ObjectDamage extends Error {
  override readonly name = "ObjectDamage";
}

/** Compressed bytes at once: what they make is in memory as a whole. */
const pushBytes = 16 * 1024;
/** A call ends after this many bytes were skipped: work goes in slices [32]. */
export const skipBytesAtOnce = 8 * 1024 * 1024;

/** Where the stored bytes of objects come from. */
export interface StoredBytes {
  read(place: ReadPlace): Promise<ObjectRead>;
  /** It is sure that the object is read on from there: that may begin already. */
  goesOn(place: ReadPlace): void;
}

export class ObjectBytes {
  readonly #stored: StoredBytes;
  readonly #inputs: Pick<Inputs, "decompressor">;
  readonly #object: InputObject;
  /** Decoded bytes to leave out at the beginning. */
  #skip: number;
  /** Bytes of the object, as stored, that were read. */
  #readTo = 0;
  /** Undefined until the first range, with which the content encoding comes. */
  #format: CompressedFormat | "none" | undefined;
  #decompressor: Decompressor | undefined;
  /** Stored bytes that wait to be decompressed. */
  #compressed: Uint8Array = new Uint8Array(0);
  #pieces: Uint8Array[] = [];
  #isFinished = false;

  constructor(
    stored: StoredBytes,
    inputs: Pick<Inputs, "decompressor">,
    object: InputObject,
    from: number,
  ) {
    this.#stored = stored;
    this.#inputs = inputs;
    this.#object = object;
    this.#skip = from;
    this.#format = formatOfKey(object.key);
    if (this.#format === undefined) return;
    this.#decompressor = inputs.decompressor(this.#format);
  }

  /**
   * The next bytes; "skipping" when it takes longer to get to them; undefined at the end. Throws
   * ObjectDamage. `skipped` bytes were decompressed for nothing.
   */
  async next(): Promise<Uint8Array | "skipping" | undefined> {
    let skipped = 0;
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece === undefined) {
        if (!(await this.#more())) return undefined;
        continue;
      }
      if (this.#skip === 0) return piece;
      const skip = Math.min(this.#skip, piece.length);
      this.#skip -= skip;
      skipped += skip;
      if (skip < piece.length) return piece.subarray(skip);
      if (skipped >= skipBytesAtOnce) return "skipping";
    }
  }

  close(): void {
    this.#decompressor?.close();
  }

  /** Fetches or decompresses a little; false at the end. */
  async #more(): Promise<boolean> {
    if (this.#compressed.length > 0) {
      const bytes = this.#compressed.subarray(0, pushBytes);
      this.#compressed = this.#compressed.subarray(bytes.length);
      this.#pieces.push(...(await this.#decompress((one) => one.push(bytes))));
      return true;
    }
    if (this.#readTo < this.#object.size) {
      await this.#fetch();
      return true;
    }
    if (this.#isFinished) return false;
    this.#isFinished = true;
    if (this.#decompressor === undefined || this.#object.size === 0) return false;
    this.#pieces.push(...(await this.#decompress((one) => one.finish())));
    return this.#pieces.length > 0;
  }

  async #fetch(): Promise<void> {
    const object = this.#object;
    // Once it is known that the object is plain text, what was read before is not fetched again.
    if (this.#format === "none" && this.#skip > 0) {
      this.#readTo += this.#skip;
      this.#skip = 0;
      return;
    }
    const read = await this.#stored.read({ object, from: this.#readTo });
    if (read.kind !== "bytes") throw damage(object, reasons[read.kind](object));
    if (this.#format === undefined) {
      this.#format = formatOfEncoding(read.contentEncoding);
      if (this.#format !== "none") this.#decompressor = this.#inputs.decompressor(this.#format);
    }
    const textFrom = this.#readTo + (this.#format === "none" ? this.#skip : 0);
    this.#readTo += read.bytes.length;
    if (this.#decompressor === undefined) this.#pieces.push(read.bytes);
    else this.#compressed = read.bytes;
    this.#stored.goesOn({ object, from: Math.max(this.#readTo, textFrom) });
  }

  async #decompress(
    work: (decompressor: Decompressor) => Promise<readonly Uint8Array[]>,
  ): Promise<readonly Uint8Array[]> {
    try {
      return await work(this.#decompressor!);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      const where = `at byte ${this.#readTo - this.#compressed.length} of ${this.#object.size}`;
      throw damage(this.#object, `cannot be decompressed as ${this.#format} ${where} (${cause})`);
    }
  }
}

const reasons = {
  changed: ({ etag }: InputObject) => `was overwritten since it was listed with the etag ${etag}`,
  gone: ({ etag }: InputObject) => `was deleted before it was read; its etag was ${etag}`,
};

export function damage({ key }: Pick<InputObject, "key">, reason: string): ObjectDamage {
  return new ObjectDamage(`Object "${key}" ${reason}.`);
}

/** Undefined: the name does not say. */
function formatOfKey(key: string): CompressedFormat | undefined {
  if (/\.gz(ip)?$/i.test(key)) return "gzip";
  return /\.zst(d)?$/i.test(key) ? "zstd" : undefined;
}

function formatOfEncoding(encoding: string | undefined): CompressedFormat | "none" {
  const name = encoding?.trim().toLowerCase();
  return name === "gzip" || name === "zstd" ? name : "none";
}
