/**
 * Which listed blobs nobody knows [10]. Pure. Fails closed: what it cannot place, what is noted, known
 * or young stays.
 */
import type { BlobEntry } from "../../state-engine/blob-store/blob-store.ts";

export interface OrphanFacts {
  /** The bucket below the job's prefix, listed before anything else was asked. */
  readonly listed: readonly BlobEntry[];
  readonly jobPrefix: string;
  /** Prefixes of the tasks that said what they have noted; blobs of any other task stay. */
  readonly taskPrefixes: readonly string[];
  /** Uploads those tasks have noted and nobody has named yet. */
  readonly noted: ReadonlySet<string>;
  /** Every path of the registry, and every path that a retained checkpoint lists. */
  readonly known: ReadonlySet<string>;
  readonly now: number;
  /** A blob written less than this long ago, by the store's clock, stays. */
  readonly minimumAgeMs: number;
}

export interface Orphans {
  readonly orphans: readonly BlobEntry[];
  /** Unknown, and too young to be sure. */
  readonly young: number;
  /** Neither a task's object nor a manifest: not this scan's to judge. */
  readonly foreign: number;
}

const manifestName = /^chk-\d+\/manifest\.json$/;

export function selectOrphans(facts: OrphanFacts): Orphans {
  const orphans: BlobEntry[] = [];
  let young = 0;
  let foreign = 0;
  for (const blob of facts.listed) {
    if (facts.known.has(blob.path) || facts.noted.has(blob.path)) continue;
    if (!isOurs(blob.path, facts)) foreign++;
    else if (facts.now - blob.writtenAt < facts.minimumAgeMs) young++;
    else orphans.push(blob);
  }
  return { orphans, young, foreign };
}

function isOurs(path: string, { jobPrefix, taskPrefixes }: OrphanFacts): boolean {
  if (taskPrefixes.some((prefix) => path.startsWith(prefix))) return true;
  return path.startsWith(jobPrefix) && manifestName.test(path.slice(jobPrefix.length));
}
