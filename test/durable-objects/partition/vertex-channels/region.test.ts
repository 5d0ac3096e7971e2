/**
 * Jobs of several keyed vertices in simulated worlds with every kind of fault. Each retained
 * checkpoint is compared with what the lines below its offsets make of both vertices; so is the live
 * state in the end.
 */
import { expect, it } from "vitest";
import { NO_FAULTS } from "../../../simulation/faults.ts";
import { scenarioOf, type Scenario } from "../../../simulation/scenario.ts";
import { countOfCounts, diamond } from "./region-jobs.ts";
import { runRegion, type RegionJob } from "./region-run.ts";

async function failuresOf(
  jobOf: (scenario: Scenario) => RegionJob,
  first: number,
  last: number,
): Promise<string[]> {
  const failures: string[] = [];
  for (let seed = first; seed <= last; seed++) {
    const scenario = scenarioOf(seed);
    const { failure } = await runRegion(jobOf(scenario), scenario);
    if (failure !== undefined) failures.push(`Seed ${seed}: ${failure}`);
  }
  return failures;
}

for (const first of [1, 4, 7, 10]) {
  it(`keeps a count of counts a consistent cut of both vertices, in the worlds of seeds ${first} to ${first + 2}`, async () => {
    expect(await failuresOf(countOfCounts, first, first + 2)).toEqual([]);
  });
}

for (const first of [1, 4]) {
  it(`counts every record once where the branches of a diamond meet, in the worlds of seeds ${first} to ${first + 2}`, async () => {
    expect(await failuresOf(diamond, first, first + 2)).toEqual([]);
  });
}

/** Input with long silences: every object loses its memory again and again, and nothing else goes wrong. */
const calm: Scenario = {
  ...scenarioOf(1),
  rates: NO_FAULTS,
  sources: 2,
  partitions: 3,
  producers: 2,
  requestsPerProducer: 8,
  memoryBytes: 1 << 20,
  timeoutMs: 60_000,
};

it("[rule 24] raises no generation while partitions fall asleep and wake up between checkpoints", async () => {
  for (const intervalMs of [1_000, 10_000]) {
    const result = await runRegion(countOfCounts({ ...calm, intervalMs }), { ...calm, intervalMs });
    expect(result.failure).toBeUndefined();
    expect(result.generation).toBe(1);
  }
});

it("[rule 24] raises one generation for a deploy, although its partitions wake up one by one", async () => {
  const scenario = { ...calm, intervalMs: 1_000 };
  let hasDeployed = false;
  const { failure, generation } = await runRegion(countOfCounts(scenario), scenario, (world) => {
    if (hasDeployed || world.scheduler.trace.count < 400) return;
    hasDeployed = true;
    world.deploy();
  });
  expect(hasDeployed).toBe(true);
  expect(failure).toBeUndefined();
  expect(generation).toBe(2);
});
