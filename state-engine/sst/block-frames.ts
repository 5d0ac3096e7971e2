/**
 * Writes the data blocks of a table as frames. Compressing costs more than all the rest, so where it
 * saved nothing it is tried ever more rarely; and a table that may be merged again before anybody stores
 * it is written as it is, with one block in a few dozen compressed to learn what storing it will take.
 */
import { freeBytes } from "../bytes/free.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import type { CompressionName, Environment } from "../environment.ts";
import { compressed, writeFrame } from "./format.ts";
import type { BlockHandle } from "./format.ts";

/** Blocks written as they are, at most, before compressing is tried again. */
const MOST_UNCOMPRESSED_BLOCKS = 31;
/** Of so many blocks of a table that is not compressed yet, one is tried. */
const SAMPLED_BLOCKS = 32;

export class BlockFrames {
  readonly #environment: Environment;
  readonly #compression: CompressionName | "none";
  readonly #isDeferred: boolean;
  #blocks = 0;
  #futileTries = 0;
  #uncompressedBlocks = 0;
  #sampledBytes = 0;
  #sampledStoredBytes = 0;

  /** `isDeferred`: nothing is compressed, only sampled. */
  constructor(
    environment: Environment,
    compression: CompressionName | "none",
    isDeferred: boolean,
  ) {
    this.#environment = environment;
    this.#compression = compression;
    this.#isDeferred = isDeferred && compression !== "none";
  }

  write(writer: ByteWriter, raw: Uint8Array): BlockHandle {
    const isTried = this.#isDeferred
      ? this.#blocks++ % SAMPLED_BLOCKS === 0
      : this.#compression !== "none" && this.#uncompressedBlocks-- <= 0;
    if (!isTried) return writeFrame(writer, raw, "none", undefined, this.#environment);
    const stored = compressed(raw, this.#compression, this.#environment);
    if (this.#isDeferred) {
      this.#sampledBytes += raw.length;
      this.#sampledStoredBytes += (stored ?? raw).length;
      if (stored !== undefined) freeBytes(stored);
      return writeFrame(writer, raw, "none", undefined, this.#environment);
    }
    this.#futileTries = stored === undefined ? this.#futileTries + 1 : 0;
    this.#uncompressedBlocks = Math.min(2 ** this.#futileTries - 1, MOST_UNCOMPRESSED_BLOCKS);
    return writeFrame(writer, raw, this.#compression, stored, this.#environment);
  }

  /** The part of their bytes that blocks written as they are will take once they are compressed; 1 when that is not worth it. */
  get expectedRatio(): number {
    if (this.#sampledBytes === 0) return 1;
    return this.#sampledStoredBytes / this.#sampledBytes;
  }
}
