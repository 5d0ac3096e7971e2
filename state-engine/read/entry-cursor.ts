/**
 * The one cursor interface: entries of one source in order of key, ascending or descending as it was
 * made. Positioned from the start on. The fields are valid while `state` is ENTRY and until advance().
 */
import type { CursorNeed } from "./block-loader.ts";

export const END = 0;
export const ENTRY = 1;
/** Needs a block that is not resident: load `need`, then resume(). */
export const BLOCKED = 2;

export interface EntryCursor {
  state: typeof END | typeof ENTRY | typeof BLOCKED;
  need: CursorNeed | undefined;
  /** Of a pass: what it will need soon, and the bytes read ahead for it. */
  readonly soon: CursorNeed | undefined;
  readonly aheadBytes: number;
  /** 0 is the newest source; of equal keys the lowest rank counts. */
  readonly rank: number;
  /** hash32 of the key after its header where it is known, for a filter; negative where not. */
  readonly hash: number;
  /** keyHead and keyPrefix (from the fifth byte) of the key: most comparisons end here. */
  head: number;
  prefix: number;
  key: Uint8Array;
  keyOffset: number;
  keyLength: number;
  kind: number;
  value: Uint8Array;
  /** Of all of `value`, where there is one: for copying the value. */
  valueView: DataView | undefined;
  valueOffset: number;
  valueLength: number;
  expiresAt: number;
  advance(): void;
  resume(): void;
  /** Gives back what it holds. Its fields mean nothing any more. */
  close(): void;
}

/** What a cursor covers: `lower` included, `upper` excluded. */
export interface CursorBounds {
  readonly lower: Uint8Array;
  readonly upper: Uint8Array;
  readonly reverse: boolean;
}
