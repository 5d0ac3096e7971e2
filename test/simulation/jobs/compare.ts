/** Found against expected, in words: the first thing that differs, undefined when nothing does. */
import type { Cut, OutputLine, States } from "./simulated-job.ts";

type Expected = ReadonlyMap<string, unknown>;

/** Every one of these states is exactly this; expected keys and values are compared as JSON. */
export function differenceOfStates(
  states: States,
  expected: Readonly<Record<string, Expected>>,
): string | undefined {
  for (const [state, entries] of Object.entries(expected)) {
    const wanted = new Map([...entries].map(([key, value]) => [key, JSON.stringify(value)]));
    const difference = differenceOfMaps(states.get(state) ?? new Map(), wanted);
    if (difference !== undefined) return `state "${state}": ${difference}`;
  }
  return undefined;
}

/** Keys and values are compared as texts. */
export function differenceOfMaps(
  found: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): string | undefined {
  const keys = new Set([...expected.keys(), ...found.keys()]);
  const wrong = [...keys].filter((key) => found.get(key) !== expected.get(key));
  const [key] = wrong.toSorted();
  if (key === undefined) return undefined;
  return `${key} is ${found.get(key) ?? "missing"} where ${expected.get(key) ?? "nothing"} is right`;
}

/** The same texts, each as often. */
export function differenceOfLists(
  found: readonly string[],
  expected: readonly string[],
): string | undefined {
  const left = new Map<string, number>();
  for (const text of expected) left.set(text, (left.get(text) ?? 0) + 1);
  for (const text of found) {
    const count = left.get(text) ?? 0;
    if (count === 0) return `${text} is there once too often`;
    left.set(text, count - 1);
  }
  const missing = [...left].find(([, count]) => count > 0);
  return missing && `${missing[0]} is missing`;
}

/** Some of these texts, none more often than here. */
export function firstRepeatOrStranger(
  found: readonly string[],
  expected: readonly string[],
): string | undefined {
  const difference = differenceOfLists(found, expected);
  return difference?.endsWith("too often") === true ? difference : undefined;
}

/** The values committed to one output, as JSON texts. */
export function valuesOf(cut: Pick<Cut, "output">, output: string): string[] {
  return linesOf(cut, output).map(({ value }) => JSON.stringify(value));
}

/**
 * An updating output says the newest value of each key, once per key and checkpoint, and null when there
 * is none any more: what a reader who kept the newest one would have now must be this.
 */
export function differenceOfUpdates(
  cut: Pick<Cut, "output">,
  output: string,
  expected: Expected,
): string | undefined {
  const newest = new Map<string, string>();
  const seen = new Set<string>();
  for (const { checkpoint, key, value } of linesOf(cut, output)) {
    const text = JSON.stringify(key);
    const once = `${checkpoint} ${text}`;
    if (seen.has(once)) return `output "${output}" has ${text} twice in checkpoint ${checkpoint}`;
    seen.add(once);
    if (value === null) newest.delete(text);
    else newest.set(text, JSON.stringify(value));
  }
  const wanted = new Map([...expected].map(([key, value]) => [key, JSON.stringify(value)]));
  const difference = differenceOfMaps(newest, wanted);
  return difference && `output "${output}": ${difference}`;
}

function linesOf(cut: Pick<Cut, "output">, output: string): readonly OutputLine[] {
  return cut.output.filter((line) => line.output === output);
}

/** Adds `amount` to what a key has. */
export function addTo(sums: Map<string, number>, key: string, amount: number): void {
  sums.set(key, (sums.get(key) ?? 0) + amount);
}
