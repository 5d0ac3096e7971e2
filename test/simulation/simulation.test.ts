/**
 * The whole job in a simulated world, many seeds. More of them: npm run test:deep -- --seeds N.
 * A failure prints the smallest scenario found for the seed and the end of its trace.
 */
import { expect, it } from "vitest";
import { reportOf } from "./report.ts";
import { scenarioOf } from "./scenario.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulate.ts";

const SEEDS_PER_TEST = 20;
const TESTS = 15;

for (let test = 0; test < TESTS; test++) {
  const first = 1 + test * SEEDS_PER_TEST;
  it(`keeps every promise in the worlds of seeds ${first} to ${first + SEEDS_PER_TEST - 1}`, async () => {
    expect(await firstFailure(first, first + SEEDS_PER_TEST)).toBe("");
  });
}

it("repeats the real job bit for bit from its seed", async () => {
  const first = await simulate(scenarioOf(3));
  const again = await simulate(scenarioOf(3));
  expect(again.checksum).toBe(first.checksum);
  expect(again.events).toBe(first.events);
});

/** A report of the first seed from `first` on, below `end`, that breaks a promise; "" when none does. */
async function firstFailure(first: number, end: number): Promise<string> {
  for (let seed = first; seed < end; seed++) {
    const result = await simulate(scenarioOf(seed));
    if (result.failure === undefined) continue;
    return reportOf(await shrink(result, (scenario) => simulate(scenario)));
  }
  return "";
}
