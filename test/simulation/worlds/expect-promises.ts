/**
 * The whole job in the simulated worlds of some seeds, as tests. One file for each hundred, so that the
 * files run side by side. More of them: npm run test:deep -- --only simulation --seeds N. A failure prints the smallest
 * scenario found for the seed and the end of its trace.
 */
import { expect, it } from "vitest";
import { explain } from "../explain.ts";
import { scenarioOf } from "../scenario.ts";
import { simulate } from "../simulate.ts";

const SEEDS_PER_TEST = 10;

export function expectPromises(first: number, last: number): void {
  for (let from = first; from <= last; from += SEEDS_PER_TEST) {
    const to = Math.min(last, from + SEEDS_PER_TEST - 1);
    it(`keeps every promise in the worlds of seeds ${from} to ${to}`, async () => {
      expect(await firstFailure(from, to)).toBe("");
    });
  }
}

/** A report of the first seed that breaks a promise; "" when none does. */
async function firstFailure(first: number, last: number): Promise<string> {
  for (let seed = first; seed <= last; seed++) {
    const result = await simulate(scenarioOf(seed));
    if (result.failure === undefined) continue;
    return explain(result);
  }
  return "";
}
