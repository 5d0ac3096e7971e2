/**
 * What an engine looks like from outside: its version by level, and what it has done.
 */
import type { TableWriter } from "./checkpoint/table-writer.ts";
import type { EngineStatistics } from "./engine-types.ts";
import type { MemtableSet } from "./memtable/memtable-set.ts";
import type { BlockLoader } from "./read/block-loader.ts";
import type { TableSet } from "./table-set.ts";
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

/** From those who count: the set of tables, memtables, the loader and the writer. */
export function statisticsOf(
  tables: TableSet,
  memtables: MemtableSet,
  { cache, gets, bytesRead }: BlockLoader,
  { puts, bytesWritten }: TableWriter,
  stalls: number,
): EngineStatistics {
  const { flushes, flushedBytes, compactions, compactedBytes } = tables;
  return {
    ...levelStatistics(tables.version),
    memtableBytes: memtables.usedBytes,
    cacheBytes: cache.usedBytes,
    operations: {
      gets,
      puts,
      bytesRead,
      bytesWritten,
      flushes,
      flushedBytes,
      compactions,
      compactedBytes,
      stalls,
    },
  };
}
