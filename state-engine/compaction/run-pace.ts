/**
 * Holds the number of runs down for certain, whatever the pace of writes. Pure. Each run costs every reader a
 * cursor, and a write adds to them; so the nearer they are to the bound, the more writes give way to compaction.
 * The work left of the compaction under way is spread over what may still be written until the bound is reached:
 * a merge of the whole state then slows writes down for a while, and stops them only at the bound itself.
 */
export interface RunRules {
  /** Runs above which compaction goes on however quiet it is. */
  readonly quietRuns: number;
  /** Never passed by batches smaller than a memtable. */
  readonly mostRuns: number;
}

export interface RunLoad {
  /** Those there are, and those that what is in memory may become before the next batch is admitted. */
  readonly runs: number;
  /** Bytes that the compaction under way has yet to read; 0 without one. */
  readonly leftBytes: number;
  /** Bytes that make a run. */
  readonly flushBytes: number;
}

/** Above quietRuns a write of some bytes waits until so many times as many were compacted, for each run. */
const PACE = 0.5;

/** Bytes to compact before a batch of `bytes` is written. Infinity: until there are fewer runs. */
export function bytesToCompact(bytes: number, load: RunLoad, rules: RunRules): number {
  const { runs, leftBytes, flushBytes } = load;
  const { quietRuns, mostRuns } = rules;
  if (runs > mostRuns) return Infinity;
  if (runs * 2 <= quietRuns) return 0;
  const room = (mostRuns - runs + 1) * flushBytes;
  const spread = (leftBytes * bytes) / room;
  return Math.max(spread, PACE * bytes * (runs - quietRuns), 0);
}
