/**
 * How far a merge has come, as the version shows it: each finished table replaces what the inputs have
 * below its end, and the inputs stay with a key from which they still count. So every version is whole,
 * a checkpoint taken at any moment carries what was done by then, and whoever restores it goes on from
 * there; no other record is kept. Pure.
 */
import { compareKeys } from "../bytes/compare.ts";
import { successor } from "../sst/table.ts";
import type { Table } from "../sst/table.ts";
import { BOTTOM_LEVEL, makeRun } from "../version/version.ts";
import type { Run, Version } from "../version/version.ts";

export interface MergeProgress {
  /** What is left of the runs to merge, newest first. */
  readonly inputs: readonly Run[];
  /** What the rest was merged into. */
  readonly outputs: readonly Table[];
  /** Where the outputs go. */
  readonly level: number;
  readonly run: number;
  /** Inputs and outputs as they stand in the version: at the bottom they are one run. */
  readonly runs: readonly Run[];
}

/** `nextRun`: the number of the new run, unless there is a bottom run to go on with. */
export function beginMerge(inputs: readonly Run[], level: number, nextRun: number): MergeProgress {
  const oldest = inputs.at(-1)!;
  const run = oldest.level === BOTTOM_LEVEL ? oldest.run : nextRun;
  return { inputs, outputs: [], level, run, runs: inputs };
}

/** What the inputs have below `until` is in the outputs so far and in `tables`, or was not worth keeping. */
export function takeOver(
  { inputs, outputs, level, run }: MergeProgress,
  until: Uint8Array,
  tables: readonly Table[],
): MergeProgress {
  const narrowed = inputs.map((input) => narrow(input, until));
  const left = narrowed.filter((input) => input.tables.length > 0);
  const all = [...outputs, ...tables];
  return {
    inputs: left,
    outputs: all,
    level,
    run,
    runs: shown(left, all, level, run),
  };
}

/**
 * The merge that a checkpoint was taken in the middle of: its inputs are the runs of which some table
 * counts from a key only; the run behind them, or what the bottom has below that key, is what it wrote.
 * Undefined when there is none, or when partitions were joined that had not come equally far: what to
 * merge is decided anew then, over a version that is as whole as any.
 */
export function findUnfinishedMerge({ runs }: Version): MergeProgress | undefined {
  const first = runs.findIndex(isNarrowed);
  const last = runs.findLastIndex(isNarrowed);
  const [from] = runs[first]?.narrowed.values() ?? [];
  const isIntoBottom = runs[last]?.level === BOTTOM_LEVEL;
  const target = isIntoBottom ? runs[last] : runs[last + 1];
  if (from === undefined || target === undefined) return undefined;
  const { level, run } = target;
  const isOutput = (index: number): boolean => compareKeys(target.lowers[index]!, from) < 0;
  const outputs = target.tables.filter((_table, index) => isOutput(index));
  const others = target.tables.filter((_table, index) => !isOutput(index));
  // What it deletes may end, exclusively, at the key.
  const isPast = outputs.every(({ upper }) => compareKeys(upper, successor(from)) <= 0);
  const tiers = runs.slice(first, isIntoBottom ? last : last + 1);
  const rest = isIntoBottom ? [makeRun(level, run, others, target.narrowed)] : [];
  const inputs = [...tiers, ...rest];
  const isAlone = isIntoBottom || others.length === 0;
  if (!isPast || !isAlone || !inputs.every((input) => beginsAt(input, from))) return undefined;
  return { inputs, outputs, level, run, runs: [...tiers, target] };
}

function isNarrowed({ narrowed }: Run): boolean {
  return narrowed.size > 0;
}

function beginsAt({ lowers, narrowed }: Run, from: Uint8Array): boolean {
  if (lowers.some((lower) => compareKeys(lower, from) < 0)) return false;
  return [...narrowed.values()].every((key) => compareKeys(key, from) === 0);
}

/**
 * The part of a run that is left from `until` on. Its first table is marked even where it begins later; several are
 * where bounds were shortened to a prefix that they share.
 */
function narrow({ level, run, tables, lowers, narrowed }: Run, until: Uint8Array): Run {
  const left: Table[] = [];
  const marks = new Map<Table, Uint8Array>();
  for (const [index, table] of tables.entries()) {
    if (compareKeys(table.upper, until) <= 0) continue;
    const before = narrowed.get(table);
    const isBehind = compareKeys(lowers[index]!, until) >= 0;
    if (before !== undefined && isBehind) marks.set(table, before);
    else if (left.length === 0 || !isBehind) marks.set(table, until);
    left.push(table);
  }
  return makeRun(level, run, left, marks);
}

/** Inputs and outputs as runs of the version. */
function shown(
  inputs: readonly Run[],
  outputs: readonly Table[],
  level: number,
  run: number,
): readonly Run[] {
  const bottom = inputs.at(-1);
  if (bottom?.level !== BOTTOM_LEVEL) return [...inputs, makeRun(level, run, outputs)];
  const together = makeRun(level, run, [...outputs, ...bottom.tables], bottom.narrowed);
  return [...inputs.slice(0, -1), together];
}
