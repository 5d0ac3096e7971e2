/**
 * Everything that can be set on an engine, with unit, default and reason. Plain data; no checks on
 * hot paths depend on it.
 */
import type { BlobStore } from "./blob-store/blob-store.ts";
import type { CompressionName, Environment } from "./environment.ts";
import type { KeyGroupRange, TableReference } from "./version/table-reference.ts";

export interface EngineOptions {
  readonly environment: Environment;
  readonly blobStore: BlobStore;
  /** The key groups this engine owns. A table is read where its clip and this range meet [16]. */
  readonly keyGroups: KeyGroupRange;
  /** The restored version; [] for an empty start. Nothing of it is read on opening [35]. */
  readonly tables: readonly TableReference[];
  /** Sequence of the last write in the restored state; the next one is above it and above every table's. */
  readonly sequence: number;
  /** By state id. A state without an operator refuses merge operands. */
  readonly mergeOperators: ReadonlyMap<number, MergeOperator>;
  readonly uploads: UploadLog;
  readonly tuning?: Partial<EngineTuning>;
}

/** Where the engine's objects go. Both calls are synchronous, so that a note can be durable before the PUT [10]. */
export interface UploadLog {
  /** A path never used before. */
  nextPath(): string;
  /** Called once for each object, before its PUT begins. */
  note(path: string): void;
}

/**
 * Folds operands into values. Must be associative: operands are combined with each other before, and
 * without, knowing the base. Results and arguments are whole arrays; arguments must not be kept or changed.
 */
export interface MergeOperator {
  readonly name: string;
  /** Two operands become one; `older` was written first. */
  combine(older: Uint8Array, newer: Uint8Array): Uint8Array;
  /** An operand meets the value below it, or nothing. */
  apply(base: Uint8Array | undefined, operand: Uint8Array): Uint8Array;
  /** Both are nothing but the one after the other: then a value in memory grows where it is, and is not copied for each operand. */
  readonly concatenates?: true;
  /**
   * A value, or an operand, without those of its parts that have expired by `time`: the same array when there are
   * none, else a fresh one. Called where values are put together and written anew, now and then, never when they
   * are read, so readers leave expired parts out themselves; `time` is never later than that of any later reader.
   */
  prune?(value: Uint8Array, time: number): Uint8Array;
}

export interface EngineTuning {
  /** Bytes of entries in a block before it is cut. 16 KiB: small enough for a point read, large enough to compress. */
  readonly blockBytes: number;
  /** Entries between two whole keys in a block. 16: LevelDB's, and everyone's after it. */
  readonly restartInterval: number;
  /** A memtable of this size is frozen and flushed. 4 MiB, and never above a quarter of the share. */
  readonly memtableBytes: number;
  /** Entries after which a memtable is frozen. No limit by default; tests set 4. */
  readonly memtableEntries: number;
  /** Runs in one tier that make a compaction. 4: write amplification 3.5 to 4.5 with about three runs. */
  readonly compactionFanout: number;
  /** Bytes in the tiers, as a part of the bottom run, that make them be merged into it. 0.45: eight flushes of a sixteenth. */
  readonly bottomMergeRatio: number;
  /**
   * Writes since the last barrier, as a part of the entries in tables, below which the interval counts
   * as quiet. 0.04: what a quiet interval changes is a few hundredths of the state.
   */
  readonly quietChangeRatio: number;
  /**
   * Bytes in objects that compactions may write anew in a quiet interval, as a part of all. 0.03: a
   * checkpoint after changing 1 % uploads less than 5 %, whatever was compacted before it.
   */
  readonly quietCompactionRatio: number;
  /** Runs above which compaction goes on however quiet it is: reads must not get slower without end. 32. */
  readonly quietRuns: number;
  /** Runs there are at most: writes wait for compaction before there is one more. 40: some room above quietRuns. */
  readonly mostRuns: number;
  /** Largest table a compaction writes. 8 MiB: restores in few requests, streams in little memory. */
  readonly tableBytes: number;
  /**
   * Longest bound in a table's reference, bytes, from 4; longer ones are shortened. 256: most keys are shorter,
   * and 1,800 tables of longer ones still fit into the row that lists them.
   */
  readonly boundBytes: number;
  /** Input bytes one maintain() call works through. 256 KiB: a few milliseconds between two frames. */
  readonly maintainBytes: number;
  /** Smallest table with a bloom filter, entries. 1,000: below, reading the block costs no more. */
  readonly filterMinimumEntries: number;
  /** Codec of blocks. The best one the environment has; "none" when it has none. */
  readonly compression: CompressionName | "none";
}

export const DEFAULT_TUNING: Omit<EngineTuning, "compression"> = {
  blockBytes: 16 * 1024,
  restartInterval: 16,
  memtableBytes: 4 * 1024 * 1024,
  memtableEntries: Number.MAX_SAFE_INTEGER,
  compactionFanout: 4,
  bottomMergeRatio: 0.45,
  quietChangeRatio: 0.04,
  quietCompactionRatio: 0.03,
  quietRuns: 32,
  mostRuns: 40,
  tableBytes: 8 * 1024 * 1024,
  boundBytes: 256,
  maintainBytes: 256 * 1024,
  filterMinimumEntries: 1000,
};

/**
 * Tuning for tables of the bottom run. A key that is anywhere is there, so a filter would keep few reads
 * away, and it would be the largest thing a first read has to load: 10 bits a key.
 */
export function withoutFilter(tuning: EngineTuning): EngineTuning {
  return { ...tuning, filterMinimumEntries: Infinity };
}

/** Fills in what the caller left open. */
export function resolveTuning(
  tuning: Partial<EngineTuning> | undefined,
  environment: Environment,
): EngineTuning {
  const { codecs } = environment;
  const best = codecs.zstd ? "zstd" : codecs["deflate-raw"] ? "deflate-raw" : "none";
  return { compression: best, ...DEFAULT_TUNING, ...tuning };
}
