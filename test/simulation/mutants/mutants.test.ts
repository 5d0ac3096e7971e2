/**
 * Every breakage of the protocol is caught in one of a bounded number of worlds made for it, and that
 * world keeps every promise where nothing is broken. The oracles can see, and see nothing that is not there.
 */
import { expect, it } from "vitest";
import { report } from "../../support/report.ts";
import { simulate } from "../simulate.ts";
import type { Mutant } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";
import { mutantScenario } from "./worlds.ts";

const SEEDS = 60;

interface Catch {
  readonly seed: number;
  readonly failure: string;
}

async function seedThatCatches(mutant: Mutant): Promise<Catch | undefined> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure } = await simulate(mutantScenario(seed, mutant.world), { mutant });
    if (failure !== undefined) return { seed, failure };
  }
  return undefined;
}

it.each(MUTANTS)("[rule $rule] catches a job that $name", async (mutant) => {
  const found = await seedThatCatches(mutant);
  expect(found).toBeDefined();
  const { failure, seed } = found!;
  report(`[rule ${mutant.rule}] ${mutant.name}: seed ${seed}: ${failure.split("\n")[0]}`);
  expect((await simulate(mutantScenario(seed, mutant.world))).failure).toBeUndefined();
});
