/**
 * What an engine looks like from outside: its version by level, and what it has done.
 */
import type { EngineOperations, EngineStatistics } from "./engine-types.ts";
import type { Version } from "./version/version.ts";

export function levelStatistics(
  version: Version,
): Pick<EngineStatistics, "levels" | "tables" | "tableBytes" | "tableEntries"> {
  const levels = new Map<number, { level: number; runs: number; tables: number; bytes: number }>();
  let tables = 0;
  let tableBytes = 0;
  let tableEntries = 0;
  for (const run of version.runs) {
    const level = levels.get(run.level) ?? { level: run.level, runs: 0, tables: 0, bytes: 0 };
    level.runs++;
    level.tables += run.tables.length;
    level.bytes += run.bytes;
    levels.set(run.level, level);
    tables += run.tables.length;
    tableBytes += run.bytes;
    for (const { description } of run.tables) tableEntries += description.entries;
  }
  return { levels: [...levels.values()], tables, tableBytes, tableEntries };
}

/** From those who count: the loader, the writer and the set of tables. */
export function operationsOf(
  { gets, bytesRead }: Pick<EngineOperations, "gets" | "bytesRead">,
  { puts, bytesWritten }: Pick<EngineOperations, "puts" | "bytesWritten">,
  tables: Pick<EngineOperations, "flushes" | "flushedBytes" | "compactions" | "compactedBytes">,
  stalls: number,
): EngineOperations {
  const { flushes, flushedBytes, compactions, compactedBytes } = tables;
  return {
    gets,
    puts,
    bytesRead,
    bytesWritten,
    flushes,
    flushedBytes,
    compactions,
    compactedBytes,
    stalls,
  };
}
