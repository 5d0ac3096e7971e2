/**
 * Builds a table from entries in order of key: cuts blocks, keeps the index of shortened separators,
 * the filter and the properties, and ends with the footer. Asserts the order; the same entries give
 * the same bytes.
 */
import { assert } from "../assert.ts";
import { compareKeys, sharedPrefixLength } from "../bytes/compare.ts";
import { freeBytes } from "../bytes/free.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { Environment } from "../environment.ts";
import { KIND_DELETE } from "../memtable/entry-kind.ts";
import type { EngineTuning } from "../options.ts";
import { stateKeyHash } from "../state/state-key.ts";
import { BlockBuilder, storedExpiry } from "./block-builder.ts";
import { BlockFrames } from "./block-frames.ts";
import { buildBloomFilter } from "./bloom-filter.ts";
import type { BlockHandle } from "./format.ts";
import { IndexBuilder } from "./index-builder.ts";
import { encodeProperties } from "./properties.ts";
import { writeTail } from "./write-tail.ts";
import type { KeyRange, TableProperties } from "./properties.ts";

export interface BuiltTable {
  /** At the begin of a buffer that nobody else has. */
  readonly bytes: Uint8Array;
  readonly properties: TableProperties;
  readonly indexOffset: number;
  /** Bytes the table is going to take once it is compressed; undefined when it is as it will be stored. */
  readonly expectedBytes: number | undefined;
}

const LEAST_CAPACITY_BYTES = 16 * 1024;
/** Compressing what saves less is not worth a second pass. */
const WORTHWHILE_RATIO = 7 / 8;

export class TableBuilder {
  readonly #environment: Environment;
  readonly #tuning: EngineTuning;
  readonly #writer: ByteWriter;
  readonly #block: BlockBuilder;
  readonly #frames: BlockFrames;
  readonly #index = new IndexBuilder();
  readonly #deletedRanges: KeyRange[] = [];
  readonly #mayHaveFilter: boolean;
  #hashes = new Uint32Array(1024);
  #entries = 0;
  #tombstones = 0;
  #expiring = 0;
  #earliestExpiry = Infinity;
  #latestExpiry = 0;
  #rawBytes = 0;
  #firstKey: Uint8Array | undefined;
  #lastKey: Uint8Array = new Uint8Array(0);
  #pending: BlockHandle | undefined;

  /**
   * `expectedBytes`: about how large the table will be; it saves moving it as it grows. `isDeferred`: the
   * table stays uncompressed until it is stored (compress-table.ts).
   */
  constructor(
    environment: Environment,
    tuning: EngineTuning,
    expectedBytes: number,
    isDeferred: boolean,
  ) {
    this.#environment = environment;
    this.#tuning = tuning;
    this.#mayHaveFilter = tuning.filterMinimumEntries !== Infinity;
    this.#writer = new ByteWriter(LEAST_CAPACITY_BYTES + expectedBytes, true);
    this.#block = new BlockBuilder(tuning.blockBytes, tuning.restartInterval);
    this.#frames = new BlockFrames(environment, tuning.compression, isDeferred);
  }

  get isEmpty(): boolean {
    return this.#entries === 0 && this.#deletedRanges.length === 0;
  }

  /** Bytes written and still to be written, roughly. */
  get size(): number {
    return this.#writer.length + this.#block.size;
  }

  /** Valid until the next add(); empty before the first. */
  get lastKey(): Uint8Array {
    return this.#block.count > 0 ? this.#block.lastKey : this.#lastKey;
  }

  /** Keys must ascend. `hash` is hash32 of the key after its header; negative: computed here. */
  add(
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    hash: number,
    kind: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiresAt: number,
    valueView?: DataView,
  ): void {
    if (this.#pending) this.#addToIndex(key.subarray(keyOffset, keyOffset + keyLength));
    this.#firstKey ??= key.slice(keyOffset, keyOffset + keyLength);
    this.#block.add(
      key,
      keyOffset,
      keyLength,
      kind,
      value,
      valueOffset,
      valueLength,
      expiresAt,
      valueView,
    );
    if (this.#mayHaveFilter) {
      if (this.#entries === this.#hashes.length) this.#growHashes();
      this.#hashes[this.#entries] = hash >= 0 ? hash : stateKeyHash(key, keyOffset, keyLength);
    }
    this.#entries++;
    if (kind === KIND_DELETE) this.#tombstones++;
    if (expiresAt !== Infinity) this.#countExpiry(expiresAt);
    this.#rawBytes += keyLength + valueLength;
    if (this.#block.size >= this.#tuning.blockBytes) this.#cut();
  }

  /** Ranges must ascend and not overlap. The table keeps the arrays. */
  addDeletedRange(start: Uint8Array, end: Uint8Array): void {
    const last = this.#deletedRanges.at(-1);
    assert(compareKeys(start, end) < 0, "a deleted range is not empty");
    if (last && compareKeys(last.end, start) === 0) {
      this.#deletedRanges[this.#deletedRanges.length - 1] = { start: last.start, end };
      return;
    }
    assert(!last || compareKeys(last.end, start) < 0, "deleted ranges are added in order");
    this.#deletedRanges.push({ start, end });
  }

  finish(smallestSequence: number, largestSequence: number): BuiltTable {
    assert(!this.isEmpty, "a table has at least one entry or deleted range");
    if (this.#block.count > 0) this.#cut();
    if (this.#pending) this.#addToIndex(undefined);
    const { compression, filterMinimumEntries } = this.#tuning;
    const writer = this.#writer;
    const indexOffset = writer.length;
    const filter =
      this.#entries >= filterMinimumEntries
        ? buildBloomFilter(this.#hashes, this.#entries)
        : undefined;
    const properties = this.#properties(smallestSequence, largestSequence);
    const sections = {
      index: this.#index.finish(),
      filter,
      properties: encodeProperties(properties),
    };
    writeTail(writer, sections, compression, this.#environment);
    const ratio = this.#frames.expectedRatio;
    const bytes = writer.finish();
    if (bytes.buffer !== writer.bytes.buffer) freeBytes(writer.bytes);
    freeBytes(this.#hashes);
    this.#block.free();
    const expectedBytes =
      ratio > WORTHWHILE_RATIO ? undefined : Math.ceil(bytes.length - indexOffset * (1 - ratio));
    return { bytes, properties, indexOffset, expectedBytes };
  }

  /** Gives up the table: its memory goes back at once. */
  discard(): void {
    freeBytes(this.#writer.bytes);
    freeBytes(this.#hashes);
    this.#block.free();
  }

  #properties(smallestSequence: number, largestSequence: number): TableProperties {
    let smallestKey = this.#firstKey;
    let largestKey = this.#lastKey;
    const firstRange = this.#deletedRanges[0];
    const lastRange = this.#deletedRanges.at(-1);
    if (firstRange && (!smallestKey || compareKeys(firstRange.start, smallestKey) < 0)) {
      smallestKey = firstRange.start;
    }
    if (lastRange && compareKeys(lastRange.end, largestKey) > 0) largestKey = lastRange.end;
    return {
      smallestKey: smallestKey!,
      largestKey,
      entries: this.#entries,
      tombstones: this.#tombstones,
      rawBytes: this.#rawBytes,
      smallestSequence,
      largestSequence,
      expiry:
        this.#expiring === 0
          ? undefined
          : {
              entries: this.#expiring,
              earliest: this.#earliestExpiry,
              latest: this.#latestExpiry,
            },
      deletedRanges: this.#deletedRanges,
    };
  }

  #growHashes(): void {
    const grown = new Uint32Array(this.#hashes.length * 2);
    grown.set(this.#hashes);
    freeBytes(this.#hashes);
    this.#hashes = grown;
  }

  #countExpiry(expiresAt: number): void {
    const stored = storedExpiry(expiresAt);
    this.#expiring++;
    if (stored < this.#earliestExpiry) this.#earliestExpiry = stored;
    if (stored > this.#latestExpiry) this.#latestExpiry = stored;
  }

  #cut(): void {
    this.#lastKey = this.#block.lastKey.slice();
    this.#pending = this.#frames.write(this.#writer, this.#block.finish());
  }

  /** The separator: the shortest key at or above the block's last one and below the next block's first. */
  #addToIndex(next: Uint8Array | undefined): void {
    assert(
      next === undefined || compareKeys(this.#lastKey, next) < 0,
      "keys are added to a table in ascending order",
    );
    const separator = next ? shortestSeparator(this.#lastKey, next) : this.#lastKey;
    this.#index.add(separator, 0, separator.length, this.#pending!);
    this.#pending = undefined;
  }
}

function shortestSeparator(last: Uint8Array, next: Uint8Array): Uint8Array {
  const shared = sharedPrefixLength(last, 0, last.length, next, 0, next.length);
  if (shared + 1 >= last.length) return last;
  const byte = last[shared]!;
  if (byte + 1 >= next[shared]!) return last;
  const separator = last.slice(0, shared + 1);
  separator[shared] = byte + 1;
  return separator;
}
