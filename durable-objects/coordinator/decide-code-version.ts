/**
 * Which code the job runs while a deploy replaces it object by object [5, 24]. Pure. Versions have no
 * order: the first task with a version never seen makes the job roll back to it, and the version left
 * behind is retired. The coordinator's own version is never kept waiting: when two deploys overlap, a
 * late task of the one in between may have retired it, and the job would wait for ever. The
 * coordinator takes its own version from the retired when it wakes up with it, so that going back to
 * earlier code works.
 */
export type CodeVersionDecision = "same" | "adopt" | "wait";

export function decideCodeVersion(facts: {
  readonly current: string;
  readonly retired: readonly string[];
  readonly attaching: string;
  /** The code the coordinator itself runs at this moment. */
  readonly own: string;
}): CodeVersionDecision {
  if (facts.attaching === facts.current) return "same";
  const mustWait = facts.retired.includes(facts.attaching) && facts.attaching !== facts.own;
  return mustWait ? "wait" : "adopt";
}

/** Versions remembered as given up; older ones may come back as new. */
const retiredLimit = 20;

export function retireVersion(retired: readonly string[], version: string): string[] {
  return [...retired.filter((one) => one !== version), version].slice(-retiredLimit);
}
