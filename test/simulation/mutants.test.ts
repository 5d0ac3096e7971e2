/** Every breakage of the protocol is caught within a few seeds: the oracles can see. */
import { expect, it } from "vitest";
import { MUTANTS } from "./mutants.ts";
import { scenarioOf } from "./scenario.ts";
import { simulate } from "./simulate.ts";

const SEEDS = 60;

it.each(MUTANTS)("catches a job that $name [$rule]", async (mutant) => {
  let failure: string | undefined;
  for (let seed = 1; seed <= SEEDS && failure === undefined; seed++) {
    ({ failure } = await simulate(scenarioOf(seed), { mutant }));
  }
  expect(failure).toBeDefined();
});
