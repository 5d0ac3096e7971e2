/**
 * The plain data that goes into and comes out of an engine. Types only.
 */
import type { TableReference } from "./version/table-reference.ts";

/**
 * Answer of a synchronous read. The bytes are a view, good until the next write, freeze or
 * maintain() of the engine: copy what must live longer. "notResident": fetch() the key first.
 */
export type Lookup = Uint8Array | "missing" | "notResident";

/**
 * One write of a batch, in whole arrays, which may be reused afterwards and are not views that lookup() gave.
 * `key` is a state key of a key group that the engine owns. `expiresAt`: milliseconds of the engine's time at which
 * the entry stops to exist, absent for never. `operand` is folded by the state's merge operator. `start` is
 * included, `end` excluded; what of the range the engine does not own is left out. Each write takes the next
 * sequence number, but a range that is empty, or of which nothing is owned, takes none.
 */
export type StateWrite =
  | {
      readonly kind: "put";
      readonly key: Uint8Array;
      readonly value: Uint8Array;
      readonly expiresAt?: number;
    }
  | { readonly kind: "delete"; readonly key: Uint8Array }
  | {
      readonly kind: "merge";
      readonly key: Uint8Array;
      readonly operand: Uint8Array;
      readonly expiresAt?: number;
    }
  | { readonly kind: "deleteRange"; readonly start: Uint8Array; readonly end: Uint8Array };

/** What a read wants: the value of a key, or the entries of a range. */
export type StateRead = Uint8Array | StateRange;

/** Entries from `start` (included) to `end` (excluded), at most `limit`; Infinity for all. */
export interface StateRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly limit: number;
}

/** A page of a scan. Bounds are state keys: `start` included, `end` excluded; absent means the end of what is owned. */
export interface ScanOptions {
  readonly start?: Uint8Array;
  readonly end?: Uint8Array;
  readonly reverse?: boolean;
  /** Most entries in one page. 1,000. */
  readonly limit?: number;
  /** Most bytes of keys and values in one page, exceeded by at most one entry. 1 MiB. */
  readonly limitBytes?: number;
  /** Read this snapshot instead of the present. */
  readonly snapshot?: Snapshot;
}

export interface ScanPage {
  /** In order of key (descending for a reverse scan). Fresh arrays. */
  readonly entries: readonly ScanEntry[];
  /**
   * The bounds of the next page (same options, these put in), absent when the scan is at its end.
   * Forward: the new start. Reverse: the new end.
   */
  readonly next?: { readonly start: Uint8Array } | { readonly end: Uint8Array };
}

export interface ScanEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A view of the engine at one moment, in memory only. Release it, or what it holds stays in memory. */
export interface Snapshot {
  readonly sequence: number;
  release(): void;
}

/** What a barrier froze. Opaque: give it to persist(), or to discard() when the checkpoint is given up before that. */
export interface FrozenState {
  /** Last write that is in it. */
  readonly sequence: number;
}

export interface PersistOptions {
  /** "full": every live table is written anew, nothing of earlier checkpoints is referenced. */
  readonly mode: "incremental" | "full";
  /** Live inline bytes of the partition up to which small tables travel inside the manifest. */
  readonly inlineLimitBytes: number;
}

export interface PersistedState {
  /** Every live table as of the freeze. The same list, in the same order, when nothing was written since the confirmed one. */
  readonly tables: readonly TableReference[];
  readonly sequence: number;
  /** Objects written for these tables, and those that were written and are not needed any more. */
  readonly uploads: readonly { readonly path: string; readonly size: number }[];
  /** Bytes this checkpoint brings: objects put for it and inline bytes that are new. */
  readonly uploadedBytes: number;
}

export interface EngineStatistics {
  readonly levels: readonly {
    readonly level: number;
    readonly runs: number;
    readonly tables: number;
    readonly bytes: number;
  }[];
  readonly tables: number;
  /** Bytes of all live tables. */
  readonly tableBytes: number;
  /** Entries in tables, tombstones and superseded ones included. */
  readonly tableEntries: number;
  readonly memtableBytes: number;
  readonly cacheBytes: number;
  readonly operations: EngineOperations;
}

/** Counted since the engine was opened. */
export interface EngineOperations {
  readonly gets: number;
  readonly puts: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly flushes: number;
  readonly flushedBytes: number;
  readonly compactions: number;
  readonly compactedBytes: number;
  readonly stalls: number;
}
