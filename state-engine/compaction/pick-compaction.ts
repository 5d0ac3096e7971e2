/**
 * Decides which runs to merge. Pure. Lazy leveling (Dayan and Idreos 2018): tiers of up to T runs on
 * top, each level's runs merged into one of the next; one sorted run at the bottom, into which all
 * tiers go together once they are worth a good part of it. Write amplification about 3.5 to 4.5.
 */
import { BOTTOM_LEVEL } from "../version/version.ts";

export interface RunShape {
  readonly level: number;
  readonly run: number;
  readonly bytes: number;
}

export interface CompactionChoice {
  /** Position of the newest run taken, and of the oldest, both included: always neighbours. */
  readonly first: number;
  readonly last: number;
  readonly level: number;
  /** "move": the one run only changes its level. */
  readonly kind: "merge" | "move";
}

export interface CompactionRules {
  readonly compactionFanout: number;
  readonly bottomMergeRatio: number;
}

/** `runs` newest first. Undefined: nothing is worth doing. */
export function pickCompaction(
  runs: readonly RunShape[],
  rules: CompactionRules,
): CompactionChoice | undefined {
  const full = fullLevel(runs, rules.compactionFanout);
  if (full === undefined) return undefined;
  const bottom = runs.at(-1)!.level === BOTTOM_LEVEL ? runs.at(-1)! : undefined;
  const tierBytes = sum(runs) - (bottom?.bytes ?? 0);
  const nextLevel = runs[full.first]!.level + 1;
  if (nextLevel >= BOTTOM_LEVEL || tierBytes >= rules.bottomMergeRatio * (bottom?.bytes ?? 0)) {
    return { first: 0, last: runs.length - 1, level: BOTTOM_LEVEL, kind: "merge" };
  }
  const oldest = runs[full.last]!.bytes;
  const younger = sum(runs.slice(full.first, full.last));
  // Merging a large run with a few small ones would write it again for nothing.
  if (oldest > younger * rules.compactionFanout) {
    return { first: full.last, last: full.last, level: nextLevel, kind: "move" };
  }
  return { ...full, level: nextLevel, kind: "merge" };
}

/** The first level with T runs or more, as positions. */
function fullLevel(
  runs: readonly RunShape[],
  fanout: number,
): { readonly first: number; readonly last: number } | undefined {
  let first = 0;
  for (let index = 1; index <= runs.length; index++) {
    if (runs[index]?.level === runs[first]!.level) continue;
    if (index - first >= fanout && runs[first]!.level < BOTTOM_LEVEL) {
      return { first, last: index - 1 };
    }
    first = index;
  }
  return undefined;
}

function sum(runs: readonly RunShape[]): number {
  return runs.reduce((total, { bytes }) => total + bytes, 0);
}
