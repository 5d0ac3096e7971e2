/**
 * Which objects and manifests nobody needs any more [9, 10, 34]. Pure. Conservative: of several starts from older
 * checkpoints it knows the last one's gap, which only makes it keep too much for a while.
 */
export interface RegisteredObject {
  readonly path: string;
  /** The checkpoint whose acknowledgement named it first. */
  readonly createdBy: number;
  /** The last checkpoint that may list it; undefined while the latest completed one does. */
  readonly lastUsed?: number;
  /** Checkpoints in between that do not list it: they were gone back over by a start from an older one [18]. */
  readonly gap?: { readonly first: number; readonly last: number };
}

export interface GarbageFacts {
  readonly objects: readonly RegisteredObject[];
  /** Ids of the retained checkpoints. */
  readonly retained: readonly number[];
  /** Tasks in memory may list what later checkpoints, given up or not, have named. Infinity: there is no such task. */
  readonly completed: number;
}

/**
 * Objects to mark dead: no retained checkpoint lies in [createdBy, lastUsed] outside of the gap, and a later
 * checkpoint has completed without them, so that no task in memory can list them again.
 */
export function selectGarbage(facts: GarbageFacts): readonly string[] {
  return facts.objects
    .filter(({ createdBy, gap, lastUsed }) => {
      if (lastUsed === undefined || lastUsed >= facts.completed) return false;
      const isInGap = (id: number) => gap !== undefined && gap.first <= id && id <= gap.last;
      return !facts.retained.some((id) => createdBy <= id && id <= lastUsed && !isInGap(id));
    })
    .map((object) => object.path);
}

export interface StoredManifest {
  readonly id: number;
  readonly path: string;
}

/** Manifests that no retained checkpoint reaches through its chain, oldest first [9]. */
export function selectDeadManifests(
  manifests: readonly StoredManifest[],
  retained: readonly { readonly path: string; readonly chain: readonly string[] }[],
): readonly StoredManifest[] {
  const reached = new Set(retained.flatMap(({ path, chain }) => [...chain, path]));
  return manifests
    .filter((manifest) => !reached.has(manifest.path))
    .toSorted((left, right) => left.id - right.id);
}

/** Retained checkpoints that fall out when `keep` may stay: those completed first. The latest always stays. */
export function selectSubsumed(
  retainedOldestFirst: readonly number[],
  keep: number,
): readonly number[] {
  return retainedOldestFirst.slice(0, Math.max(0, retainedOldestFirst.length - Math.max(1, keep)));
}
