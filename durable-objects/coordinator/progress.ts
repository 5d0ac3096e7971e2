/**
 * How far sources are against the latest completed checkpoint. Pure.
 */
import type { RetainedCheckpoint, SourceRow } from "./rows.ts";

/** Sources whose log holds lines that the latest completed checkpoint does not [26, 27]. */
export function uncoveredSources(sources: readonly SourceRow[]): readonly number[] {
  return sources
    .filter(({ report, completed }) => (report?.accepted ?? 0) > completed.offset)
    .map(({ source }) => source);
}

/** The first line of a source's log that a start from any retained checkpoint needs [18]. */
export function truncateBefore(retained: readonly RetainedCheckpoint[], row: SourceRow): number {
  let line = row.completed.offset;
  for (const { sources } of retained) {
    line = Math.min(line, sources.find(({ source }) => source === row.source)?.offset ?? 0);
  }
  return line;
}
