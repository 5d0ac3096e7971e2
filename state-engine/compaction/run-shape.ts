/**
 * What the picker is told of a run, from its tables' references alone. How many entries have expired is
 * estimated, as if their times were spread evenly between the earliest and the latest: after a
 * compaction none has, so a wrong guess costs one compaction at most.
 */
import type { TableDescription } from "../sst/table.ts";
import { BOTTOM_LEVEL } from "../version/version.ts";
import type { Run } from "../version/version.ts";
import type { RunShape } from "./pick-compaction.ts";

/** `time`: the engine's, in milliseconds. */
export function runShape({ level, run, bytes, tables }: Run, time: number): RunShape {
  let writtenBytes = 0;
  let entries = 0;
  let deadEntries = 0;
  for (const { description, durability, size } of tables) {
    if (durability !== "memory") writtenBytes += size;
    entries += description.entries;
    deadEntries += expiredEntries(description, time);
    // A deletion and what it deletes.
    if (level < BOTTOM_LEVEL) deadEntries += description.tombstones * 2;
  }
  return { level, run, bytes, writtenBytes, entries, deadEntries };
}

function expiredEntries({ expiry }: TableDescription, time: number): number {
  if (expiry === undefined || time < expiry.earliest) return 0;
  const spread = expiry.latest - expiry.earliest;
  return expiry.entries * (spread === 0 ? 1 : Math.min(1, (time - expiry.earliest) / spread));
}
