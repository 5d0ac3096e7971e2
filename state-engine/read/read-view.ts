/**
 * What one reader sees: memtables and tables as of a moment, newest first. Immutable as long as its
 * newest memtable is not written to.
 */
import { compareKeys } from "../bytes/compare.ts";
import type { Memtable } from "../memtable/memtable.ts";
import { MemtableCursor } from "../memtable/memtable-cursor.ts";
import { RangeTombstones } from "../memtable/range-tombstones.ts";
import type { MergeOperator } from "../options.ts";
import { BOTTOM_LEVEL } from "../version/version.ts";
import type { Run, Version } from "../version/version.ts";
import { TAIL } from "./block-loader.ts";
import type { BlockLoader, BlockNeed } from "./block-loader.ts";
import type { CursorBounds } from "./entry-cursor.ts";
import { prunesValues } from "./merge-operands.ts";
import { MergeCursor } from "./merge-cursor.ts";
import { RunCursor } from "./run-cursor.ts";

const TAILS_AT_A_TIME = 16;

export interface ReadView {
  /** Newest first. */
  readonly memtables: readonly Memtable[];
  readonly version: Version;
  readonly time: number;
}

export interface MergeOptions {
  readonly mergeOperators: ReadonlyMap<number, MergeOperator>;
  readonly keepsTombstones: boolean;
  /** What is read is written anew, by a flush or a compaction. */
  readonly isRewrite?: boolean;
  /** Everything is read once, by a compaction: nothing is worth keeping. */
  readonly isPass?: boolean;
}

/**
 * Tails that must be read before a merge over these bounds can begin: they hold the deleted ranges.
 * Tables that delete none are opened when the merge comes to them, and the bottom run has nothing below
 * it. Some at a time: ask again until there are none.
 */
export function tailsNeeded(
  runs: readonly Run[],
  bounds: CursorBounds,
  loader: BlockLoader,
): BlockNeed[] {
  const needs: BlockNeed[] = [];
  for (const run of runs) {
    if (run.level === BOTTOM_LEVEL) continue;
    for (const [index, table] of run.tables.entries()) {
      if (table.deletedRanges !== undefined || !meets(run, index, bounds)) continue;
      // Reading the tail makes the ranges known; one that is resident was read.
      if (loader.tail(table) === undefined) needs.push({ table, index: TAIL });
      if (needs.length === TAILS_AT_A_TIME) return needs;
    }
  }
  return needs;
}

/** A merge over everything in the view; tailsNeeded must be empty. */
export function openMerge(
  view: ReadView,
  bounds: CursorBounds,
  loader: BlockLoader,
  options: MergeOptions,
): MergeCursor {
  const { memtables, version } = view;
  const sources = memtables.length + version.runs.length;
  const cursors = [
    ...memtables.map((memtable, rank) => new MemtableCursor(memtable, bounds, rank)),
    ...version.runs.map(
      (run, index) =>
        new RunCursor(run, bounds, memtables.length + index, loader, options.isPass ?? false),
    ),
  ];
  return new MergeCursor(cursors, {
    mergeOperators: options.mergeOperators,
    keepsTombstones: options.keepsTombstones,
    prunes: options.isRewrite === true && prunesValues(options.mergeOperators),
    reverse: bounds.reverse,
    time: view.time,
    tombstones: collectTombstones(view, bounds),
    sources,
  });
}

/** The deleted ranges of all sources within the bounds; a newer source's take over older ones'. */
export function collectTombstones(view: ReadView, bounds: CursorBounds): RangeTombstones {
  const { memtables, version } = view;
  const sources = memtables.length + version.runs.length;
  const collected = new RangeTombstones();
  const add = (start: Uint8Array, end: Uint8Array, rank: number, clip: CursorBounds): void => {
    const from = later(later(start, bounds.lower), clip.lower);
    const to = earlier(earlier(end, bounds.upper), clip.upper);
    collected.add(from, to, sources - rank);
  };
  for (let index = version.runs.length - 1; index >= 0; index--) {
    const run = version.runs[index]!;
    if (run.level === BOTTOM_LEVEL) continue;
    for (const [position, table] of run.tables.entries()) {
      if (!meets(run, position, bounds)) continue;
      const clip = { lower: run.lowers[position]!, upper: table.upper, reverse: false };
      for (const { start, end } of table.deletedRanges!) {
        add(start, end, memtables.length + index, clip);
      }
    }
  }
  for (let rank = memtables.length - 1; rank >= 0; rank--) {
    for (const { start, end } of memtables[rank]!.tombstones.ranges) add(start, end, rank, bounds);
  }
  return collected;
}

/** Whether the run's table shows anything within the bounds. */
export function meets({ lowers, tables }: Run, index: number, bounds: CursorBounds): boolean {
  if (compareKeys(lowers[index]!, bounds.upper) >= 0) return false;
  return compareKeys(bounds.lower, tables[index]!.upper) < 0;
}

export function later(left: Uint8Array, right: Uint8Array): Uint8Array {
  return compareKeys(left, right) > 0 ? left : right;
}

export function earlier(left: Uint8Array, right: Uint8Array): Uint8Array {
  return compareKeys(left, right) < 0 ? left : right;
}
