/**
 * From table references to a version, without reading a byte of the tables. Clips are narrowed to
 * what the engine owns and stay narrowed: they are never widened again [16].
 */
import { StateEngineError } from "../errors.ts";
import { decodeHex } from "../bytes/text.ts";
import { FORMAT_VERSION } from "../sst/format.ts";
import { Table, intersectKeyGroups } from "../sst/table.ts";
import { compareKeys } from "../bytes/compare.ts";
import { keyGroupStart } from "../state/state-key.ts";
import { NARROWED_FORMAT_VERSION } from "./table-reference.ts";
import type { KeyGroupRange, TableReference } from "./table-reference.ts";
import { BOTTOM_LEVEL, makeRun, makeVersion } from "./version.ts";
import type { Version } from "./version.ts";

export function openVersion(tables: readonly TableReference[], owned: KeyGroupRange): Version {
  const groups = new Map<string, Group>();
  for (const { level, run, fromKey, ...description } of tables) {
    checkFormat(description.id, description.formatVersion, fromKey);
    const keyGroups = intersectKeyGroups(description.keyGroups, owned);
    if (keyGroups === undefined) continue;
    const formatVersion = FORMAT_VERSION;
    const table = new Table({ ...description, keyGroups, formatVersion }, "confirmed");
    // A compaction that came no further than where this engine's keys begin has taken nothing from it.
    const start = keyGroupStart(owned.first);
    const key = fromKey === undefined ? start : decodeHex(fromKey);
    const from = compareKeys(key, start) > 0 ? key : undefined;
    const lower = from !== undefined && compareKeys(from, table.lower) > 0 ? from : table.lower;
    if (compareKeys(lower, table.upper) >= 0) continue;
    // Bottom runs of partitions that were joined cover different key groups: together they are one.
    const name = level === BOTTOM_LEVEL ? "bottom" : `${level}/${run}`;
    const group: Group = groups.get(name) ?? { level, run, tables: [], narrowed: new Map() };
    group.run = Math.max(group.run, run);
    group.tables.push(table);
    if (from !== undefined) group.narrowed.set(table, from);
    groups.set(name, group);
  }
  const runs = [...groups.values()].map(({ level, run, tables, narrowed }) =>
    makeRun(level, run, tables, narrowed),
  );
  return makeVersion(runs);
}

/** Of the last write in the tables or in the state they were persisted with: what is written now is above both. */
export function lastSequence(tables: readonly TableReference[], stateSequence: number): number {
  const sequences = tables.map(({ largestSequence }) => largestSequence);
  return sequences.reduce((highest, sequence) => Math.max(highest, sequence), stateSequence);
}

interface Group {
  readonly level: number;
  run: number;
  readonly tables: Table[];
  readonly narrowed: Map<Table, Uint8Array>;
}

function checkFormat(id: string, formatVersion: number, fromKey: string | undefined): void {
  const known = fromKey === undefined ? FORMAT_VERSION : NARROWED_FORMAT_VERSION;
  if (formatVersion === known) return;
  throw new StateEngineError(
    "invalid",
    `Table ${id} has a format this code does not know: read it with the code that wrote it. format=${formatVersion} known=${known}`,
  );
}
