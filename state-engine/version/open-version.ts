/**
 * From table references to a version, without reading a byte of the tables. Clips are narrowed to
 * what the engine owns and stay narrowed: they are never widened again [16].
 */
import { StateEngineError } from "../errors.ts";
import { FORMAT_VERSION } from "../sst/format.ts";
import { Table, intersectKeyGroups } from "../sst/table.ts";
import { compareKeys } from "../bytes/compare.ts";
import type { KeyGroupRange, TableReference } from "./table-reference.ts";
import { BOTTOM_LEVEL, makeRun, makeVersion } from "./version.ts";
import type { Version } from "./version.ts";

export function openVersion(tables: readonly TableReference[], owned: KeyGroupRange): Version {
  const groups = new Map<string, { level: number; run: number; tables: Table[] }>();
  for (const { level, run, ...description } of tables) {
    if (description.formatVersion !== FORMAT_VERSION) {
      throw new StateEngineError(
        "invalid",
        `Table ${description.id} has a format this code does not know: read it with the code that wrote it. format=${description.formatVersion} known=${FORMAT_VERSION}`,
      );
    }
    const keyGroups = intersectKeyGroups(description.keyGroups, owned);
    if (keyGroups === undefined) continue;
    const table = new Table({ ...description, keyGroups }, "confirmed");
    if (compareKeys(table.lower, table.upper) >= 0) continue;
    // Bottom runs of partitions that were joined cover different key groups: together they are one.
    const name = level === BOTTOM_LEVEL ? "bottom" : `${level}/${run}`;
    const group = groups.get(name) ?? { level, run, tables: [] };
    group.run = Math.max(group.run, run);
    group.tables.push(table);
    groups.set(name, group);
  }
  const runs = [...groups.values()].map(({ level, run, tables }) => makeRun(level, run, tables));
  return makeVersion(runs);
}
