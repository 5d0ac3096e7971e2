/**
 * Jobs of several keyed vertices in simulated worlds with every kind of fault. Each retained
 * checkpoint is compared with what the lines below its offsets make of both vertices; so is the live
 * state in the end.
 */
import { expect, it } from "vitest";
import { NO_FAULTS } from "../../../simulation/faults.ts";
import { scenarioOf, type Scenario } from "../../../simulation/scenario.ts";
import { simulate } from "../../../simulation/simulate.ts";

async function failureOf(
  job: "countOfCounts" | "diamond",
  seed: number,
): Promise<string | undefined> {
  return (await simulate({ ...scenarioOf(seed), ...CONTINUOUS, job })).failure;
}

/** Nobody stops the job, and clients feed it. */
const CONTINUOUS = { restarts: 0, startsElsewhere: false, drains: false, input: "posted" } as const;

it.each([1, 2, 3, 4, 5, 7, 8, 9, 11])(
  "keeps a count of counts a consistent cut of both vertices, in the world of seed %i",
  async (seed) => expect(await failureOf("countOfCounts", seed)).toBeUndefined(),
);

it.each([1, 3, 4, 5, 6])(
  "counts every record once where the branches of a diamond meet, in the world of seed %i",
  async (seed) => expect(await failureOf("diamond", seed)).toBeUndefined(),
);

/** Input with long silences: every object loses its memory again and again, and nothing else goes wrong. */
const calm: Scenario = {
  ...scenarioOf(1),
  ...CONTINUOUS,
  job: "countOfCounts",
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
    const result = await simulate({ ...calm, intervalMs });
    expect(result.failure).toBeUndefined();
    expect(result.generation).toBe(1);
  }
});

it("[rule 24] raises one generation for a deploy, although its partitions wake up one by one", async () => {
  const scenario = { ...calm, intervalMs: 1_000 };
  let hasDeployed = false;
  const { failure, generation } = await simulate(scenario, {
    during: (world) => {
      if (hasDeployed || world.scheduler.trace.count < 400) return;
      hasDeployed = true;
      world.deploy();
    },
  });
  expect(hasDeployed).toBe(true);
  expect(failure).toBeUndefined();
  expect(generation).toBe(2);
});
