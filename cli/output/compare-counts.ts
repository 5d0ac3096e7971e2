/** Counts read from a job against counts made independently of it. Pure. */

export interface Difference {
  readonly word: string;
  readonly found: number;
  readonly expected: number;
}

/** Words whose counts are not equal, missing and additional ones included. Empty: exact. */
export function compareCounts(
  found: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
): readonly Difference[] {
  const words = new Set([...expected.keys(), ...found.keys()]);
  return [...words]
    .map((word) => ({ word, found: found.get(word) ?? 0, expected: expected.get(word) ?? 0 }))
    .filter((counts) => counts.found !== counts.expected);
}

/** The first differences as a sentence part: `"be" is 1, not 2; …`. */
export function showDifferences(differences: readonly Difference[]): string {
  return differences
    .slice(0, 5)
    .map(({ word, found, expected }) => `"${word}" is ${found}, not ${expected}`)
    .join("; ");
}
