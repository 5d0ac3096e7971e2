/**
 * An immutable set of tables: sorted runs, newest first. Of two entries for one key the one in the
 * earlier run counts. Changing a version makes a new one; whoever holds the old one keeps reading it.
 */
import { compareBytes, compareKeys } from "../bytes/compare.ts";
import type { Table } from "../sst/table.ts";
import type { TableReference } from "./table-reference.ts";

/** The level of the one sorted run below all tiers. */
export const BOTTOM_LEVEL = 6;

export interface Run {
  readonly level: number;
  /** Higher is newer within a level. */
  readonly run: number;
  /** In order of key, not overlapping but in the prefixes that their bounds were shortened to. */
  readonly tables: readonly Table[];
  /** Whether some do: then bounds alone do not say which table may hold a key. */
  readonly overlaps: boolean;
  /** As they are stored, or are going to be. */
  readonly bytes: number;
}

export interface Version {
  /** By level ascending, then run descending. */
  readonly runs: readonly Run[];
}

export const EMPTY_VERSION: Version = { runs: [] };

/** Runs that go and a run that comes, as one step. */
export interface VersionEdit {
  readonly removed: readonly Run[];
  readonly added: readonly Run[];
}

export function makeRun(level: number, run: number, tables: readonly Table[]): Run {
  const sorted = [...tables].sort(
    (left, right) => compareKeys(left.lower, right.lower) || positionOf(left) - positionOf(right),
  );
  return {
    level,
    run,
    tables: sorted,
    overlaps: sorted.some((table, index) => index > 0 && meetsNext(sorted[index - 1]!, table)),
    get bytes() {
      return sorted.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
    },
  };
}

/** A table whose bounds are not shortened begins with a key no longer than any shortened one. */
function positionOf({ description }: Table): number {
  return description.position ?? -1;
}

function meetsNext(before: Table, table: Table): boolean {
  if (before.description.position === undefined && table.description.position === undefined) {
    return false;
  }
  return compareKeys(before.upper, table.lower) > 0;
}

export function makeVersion(runs: readonly Run[]): Version {
  const sorted = [...runs].sort((left, right) => left.level - right.level || right.run - left.run);
  return { runs: sorted };
}

export function applyEdit(version: Version, edit: VersionEdit): Version {
  const kept = version.runs.filter((run) => !edit.removed.includes(run));
  return makeVersion([...kept, ...edit.added.filter(({ tables }) => tables.length > 0)]);
}

/** The last table of a run whose bounds begin at or below the key, as a number; -1 when none does. */
export function lastTableFrom(
  { tables }: Run,
  key: Uint8Array,
  offset: number,
  length: number,
): number {
  let low = 0;
  let high = tables.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { lower } = tables[middle]!;
    if (compareBytes(lower, 0, lower.length, key, offset, length) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function references(version: Version): TableReference[] {
  return version.runs.flatMap(({ level, run, tables }) =>
    tables.map(({ description }) => ({ ...description, level, run })),
  );
}
