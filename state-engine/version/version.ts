/**
 * An immutable set of tables: sorted runs, newest first. Of two entries for one key the one in the
 * earlier run counts. Changing a version makes a new one; whoever holds the old one keeps reading it.
 */
import { compareBytes, compareKeys } from "../bytes/compare.ts";
import { encodeHex } from "../bytes/text.ts";
import { successor } from "../sst/table.ts";
import type { Table } from "../sst/table.ts";
import { NARROWED_FORMAT_VERSION } from "./table-reference.ts";
import type { TableReference } from "./table-reference.ts";

/** The level of the one sorted run below all tiers. */
export const BOTTOM_LEVEL = 6;

export interface Run {
  readonly level: number;
  /** Higher is newer within a level. */
  readonly run: number;
  /** In order of key, not overlapping but in the prefixes that their bounds were shortened to. */
  readonly tables: readonly Table[];
  /** For each table the first key it shows here. */
  readonly lowers: readonly Uint8Array[];
  /** Tables of which a compaction that is not done has taken over what is below the key. */
  readonly narrowed: ReadonlyMap<Table, Uint8Array>;
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

const NONE: ReadonlyMap<Table, Uint8Array> = new Map();

export function makeRun(
  level: number,
  run: number,
  tables: readonly Table[],
  narrowed = NONE,
): Run {
  const shown = tables.map((table) => ({ table, lower: lowerOf(table, narrowed.get(table)) }));
  shown.sort(
    (left, right) =>
      compareKeys(left.lower, right.lower) ||
      Number(showsMore(left)) - Number(showsMore(right)) ||
      compareKeys(left.table.lower, right.table.lower) ||
      compareTexts(left.table.description.smallestKey, right.table.description.smallestKey) ||
      positionOf(left.table) - positionOf(right.table),
  );
  return {
    level,
    run,
    tables: shown.map(({ table }) => table),
    lowers: shown.map(({ lower }) => lower),
    narrowed,
    overlaps: shown.some((each, index) => index > 0 && meetsNext(shown[index - 1]!.table, each)),
    get bytes() {
      return tables.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
    },
  };
}

/**
 * Whether a table can have keys behind the first it shows. One that cannot comes first of those that show the same:
 * a compaction may narrow it to its very end, where another begins that an earlier compaction has narrowed to there.
 */
function showsMore({ table, lower }: { table: Table; lower: Uint8Array }): boolean {
  return compareKeys(table.upper, successor(lower)) > 0;
}

function lowerOf({ lower }: Table, from: Uint8Array | undefined): Uint8Array {
  return from !== undefined && compareKeys(from, lower) > 0 ? from : lower;
}

/** Of hexadecimal bounds. Clips may begin tables alike that did not begin so. */
function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** A table whose bounds are not shortened begins with a key no longer than any shortened one. */
function positionOf({ description }: Table): number {
  return description.position ?? -1;
}

function meetsNext(before: Table, { table, lower }: { table: Table; lower: Uint8Array }): boolean {
  if (before.description.position === undefined && table.description.position === undefined) {
    return false;
  }
  return compareKeys(before.upper, lower) > 0;
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
  { lowers }: Run,
  key: Uint8Array,
  offset: number,
  length: number,
): number {
  let low = 0;
  let high = lowers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const lower = lowers[middle]!;
    if (compareBytes(lower, 0, lower.length, key, offset, length) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function references(version: Version): TableReference[] {
  return version.runs.flatMap(({ level, run, tables, narrowed }) =>
    tables.map((table) => {
      const from = narrowed.get(table);
      const fromKey = from && { fromKey: encodeHex(from), formatVersion: NARROWED_FORMAT_VERSION };
      return { ...table.description, level, run, ...fromKey };
    }),
  );
}
