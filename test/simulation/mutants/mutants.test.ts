/**
 * Every breakage of the protocol is caught: by the seed that is known to show it, or else within the
 * number of worlds `npm test` runs anyway. The oracles can see.
 */
import { expect, it } from "vitest";
import { scenarioOf } from "../scenario.ts";
import { simulate } from "../simulate.ts";
import { MUTANTS } from "./mutants.ts";

const SEEDS = 60;

it.each(MUTANTS)("[rule $rule] catches a job that $name", async (mutant) => {
  const seeds = [mutant.seed, ...Array.from({ length: SEEDS }, (_, index) => index + 1)];
  let failure: string | undefined;
  for (const seed of seeds) {
    ({ failure } = await simulate(scenarioOf(seed), { mutant }));
    if (failure !== undefined) break;
  }
  expect(failure).toBeDefined();
});

it("catches nothing where nothing is broken: the seeds that show the mutants keep every promise", async () => {
  for (const seed of new Set(MUTANTS.map((mutant) => mutant.seed))) {
    expect((await simulate(scenarioOf(seed))).failure).toBeUndefined();
  }
});
