/** What a person reads about a run that fails: a smaller one that still fails, and the calls that led to it. */
import { expect, it } from "vitest";
import { explain } from "./explain.ts";
import { FAULT_KINDS } from "./faults.ts";
import { mutantNamed } from "./mutants/mutants.ts";
import { mutantScenario } from "./mutants/worlds.ts";
import type { Scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";
import { type Result, simulate } from "./simulate.ts";

const mutant = mutantNamed("deletes objects before the pointer moves");

async function firstFailing(): Promise<Result> {
  for (let seed = 1; seed <= 60; seed++) {
    const rates = { ...mutant.world.rates!, lostCall: 0.01, crash: 0.01 };
    const result = await simulate({ ...mutantScenario(seed, mutant.world), rates }, { mutant });
    if (result.failure !== undefined) return result;
  }
  return expect.unreachable("The mutant breaks nothing in 60 worlds.");
}

function sizeOf({ linesPerRequest, producers, requestsPerProducer }: Scenario): number {
  return producers * requestsPerProducer * linesPerRequest;
}

function faultsOf({ rates }: Scenario): number {
  return FAULT_KINDS.filter((kind) => rates[kind] > 0).length;
}

it("makes a failing run smaller, which still fails, and says which calls led to it", async () => {
  const failing = await firstFailing();
  const smallest = await shrink(failing, (scenario) => simulate(scenario, { mutant }), 20);
  expect(smallest.failure).toBeDefined();
  expect(sizeOf(smallest.scenario)).toBeLessThan(sizeOf(failing.scenario));
  expect(faultsOf(smallest.scenario)).toBeLessThan(faultsOf(failing.scenario));

  const report = await explain(smallest, { mutant, shrink: false });
  expect(report).toContain(`Seed ${failing.scenario.seed} breaks a promise: ${smallest.failure}`);
  expect(report).toContain(`"requestsPerProducer":${smallest.scenario.requestsPerProducer}`);
  expect(report).toContain(`--start ${failing.scenario.seed} --seeds 1`);
  expect(report).toMatch(/\n +\d+ .*coordinator.*acknowledge/);
  expect(report).toMatch(/\n +\d+ .*DELETE simulated/);
});

it("says so when a run fails once and not again", async () => {
  const failing = await firstFailing();
  const report = await explain(failing, { shrink: false });
  expect(report).toContain("the run does not repeat");
});
