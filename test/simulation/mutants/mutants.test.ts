/**
 * Every breakage of the protocol is caught in one of a bounded number of worlds made for it, and that
 * world keeps every promise where nothing is broken. The oracles can see, and see nothing that is not there.
 */
import { expect, it } from "vitest";
import { simulate } from "../simulate.ts";
import type { Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { mutantScenario } from "./worlds.ts";

const SEEDS = 60;

async function seedThatCatches(mutant: Mutant): Promise<number | undefined> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure } = await simulate(mutantScenario(seed, mutant.world), { mutant });
    if (failure !== undefined) return seed;
  }
  return undefined;
}

it.each(MUTANTS)("[rule $rule] catches a job that $name", async (mutant) => {
  const seed = await seedThatCatches(mutant);
  expect(seed).toBeDefined();
  const { failure } = await simulate(mutantScenario(seed!, mutant.world));
  expect(failure).toBeUndefined();
});
