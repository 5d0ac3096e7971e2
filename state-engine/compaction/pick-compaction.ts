/**
 * Decides which runs to merge. Pure. Lazy leveling (Dayan and Idreos 2018): tiers of up to T runs on
 * top, each level's runs merged into one of the next; one sorted run at the bottom, into which all
 * tiers go together once they are worth a good part of it. Write amplification about 3.5 to 4.5.
 *
 * What is merged again is uploaded again, by the next checkpoint. While little changes that would be
 * out of proportion (a change of one key in a hundred, and the whole state uploaded), so the caller
 * says how many bytes that are in objects already may be written anew: then fewer runs are merged at
 * once, and the bottom waits.
 *
 * Runs of which half is dead are all merged whatever their number: what goes pays for what is written.
 */
import { BOTTOM_LEVEL } from "../version/version.ts";

export interface RunShape {
  readonly level: number;
  readonly run: number;
  readonly bytes: number;
  /** The part of `bytes` that is in objects already. */
  readonly writtenBytes: number;
  readonly entries: number;
  /** Entries that mean nothing any more, as far as can be told: deletions, what they delete, and expired ones. */
  readonly deadEntries: number;
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

/** `runs` newest first. Undefined: nothing is worth doing, or nothing that `allowanceBytes` allows. */
export function pickCompaction(
  runs: readonly RunShape[],
  rules: CompactionRules,
  allowanceBytes = Infinity,
): CompactionChoice | undefined {
  const full = fullLevel(runs, rules.compactionFanout);
  if (full === undefined) return isMostlyDead(runs) ? mergeAll(runs) : undefined;
  const bottom = runs.at(-1)!.level === BOTTOM_LEVEL ? runs.at(-1)! : undefined;
  const bottomBytes = bottom?.bytes ?? 0;
  const tierBytes = sum(runs) - bottomBytes;
  const nextLevel = runs[full.first]!.level + 1;
  const isAffordable = written(runs) <= allowanceBytes;
  const isDue = tierBytes >= rules.bottomMergeRatio * bottomBytes && isAffordable;
  if (isDue || nextLevel >= BOTTOM_LEVEL) {
    return mergeAll(runs);
  }
  const oldest = runs[full.last]!.bytes;
  const younger = sum(runs.slice(full.first, full.last));
  // Merging a large run with a few small ones would write it again for nothing.
  if (oldest > younger * rules.compactionFanout) {
    return { first: full.last, last: full.last, level: nextLevel, kind: "move" };
  }
  const first = oldestAffordable(runs, full, allowanceBytes);
  if (first === full.last) return undefined;
  return { first, last: full.last, level: nextLevel, kind: "merge" };
}

function mergeAll(runs: readonly RunShape[]): CompactionChoice {
  return { first: 0, last: runs.length - 1, level: BOTTOM_LEVEL, kind: "merge" };
}

function isMostlyDead(runs: readonly RunShape[]): boolean {
  const entries = runs.reduce((total, run) => total + run.entries, 0);
  const dead = runs.reduce((total, run) => total + run.deadEntries, 0);
  return dead > 0 && dead * 2 >= entries;
}

/** How far up from the oldest run of a level a merge may reach. */
function oldestAffordable(
  runs: readonly RunShape[],
  { first, last }: { readonly first: number; readonly last: number },
  allowanceBytes: number,
): number {
  let reach = last;
  while (reach > first && written(runs.slice(reach - 1, last + 1)) <= allowanceBytes) reach--;
  return reach;
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

function written(runs: readonly RunShape[]): number {
  return runs.reduce((total, { writtenBytes }) => total + writtenBytes, 0);
}
