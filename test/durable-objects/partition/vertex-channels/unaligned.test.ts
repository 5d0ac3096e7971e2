/**
 * Flink's UnalignedCheckpointITCase in simulated worlds: jobs of several vertices under back-pressure
 * from one slow partition, whose barriers overtake. No record is lost, doubled or overtaken, whatever
 * fails; and checkpoints complete that would expire if they were aligned.
 */
import { expect, it } from "vitest";
import { NO_FAULTS } from "../../../simulation/faults.ts";
import { scenarioOf, type Scenario } from "../../../simulation/scenario.ts";
import { countOfCounts, diamond, pipeline, union } from "./region-jobs.ts";
import { runRegion, type RegionJob, type RegionOptions, type RegionResult } from "./region-run.ts";

/** Much input at once, and nothing goes wrong but that one partition is slow. */
const PRESSURE: Scenario = {
  ...scenarioOf(1),
  sources: 2,
  partitions: 2,
  retained: 2,
  intervalMs: 2_000,
  minPauseMs: 0,
  timeoutMs: 10_000,
  tolerableFailures: 1_000,
  mode: "incremental",
  producers: 2,
  requestsPerProducer: 5,
  linesPerRequest: 10,
  sharedWords: 5,
  paddingBytes: 0,
  memoryBytes: 1 << 20,
  rates: NO_FAULTS,
  alignmentTimeoutMs: 100,
};
const SLOW_MS = 3_000;
const JOBS = { pipeline, "multi-input": diamond, union } as const;

async function run(
  jobOf: (scenario: Scenario) => RegionJob,
  change: Partial<Scenario> = {},
  options: RegionOptions = {},
): Promise<RegionResult> {
  const scenario = { ...PRESSURE, ...change };
  return runRegion(jobOf(scenario), scenario, { slowMs: SLOW_MS, ...options });
}

it.each(Object.entries(JOBS))(
  "completes checkpoints of a %s although one partition is slow, where aligned ones expire",
  async (_name, jobOf) => {
    const aligned = await run(jobOf, { alignmentTimeoutMs: null });
    expect(aligned.failure).toBeUndefined();
    expect(aligned.failed).toBeGreaterThan(0);
    const unaligned = await run(jobOf);
    expect(unaligned.failure).toBeUndefined();
    expect(unaligned.checkpointsInFlight).toBeGreaterThan(0);
    expect(unaligned.failed).toBe(0);
    expect(unaligned.completed).toBeGreaterThan(aligned.completed);
  },
);

/** Flink's parallelisms, up to what a test of seconds has room for: with one partition it is the slow one. */
it.each([1, 5])(
  "keeps a pipeline exact over overtaking barriers on %i partitions",
  async (partitions) => {
    const { failure, checkpointsInFlight, completed } = await run(pipeline, {
      partitions,
      alignmentTimeoutMs: 0,
    });
    expect(failure).toBeUndefined();
    expect(completed).toBeGreaterThan(0);
    expect(checkpointsInFlight).toBeGreaterThan(0);
  },
);

it("overtakes at once with an alignment timeout of 0", async () => {
  const { failure, checkpointsInFlight } = await run(pipeline, { alignmentTimeoutMs: 0 });
  expect(failure).toBeUndefined();
  expect(checkpointsInFlight).toBeGreaterThan(0);
});

/** Where a task or the coordinator loses its memory: before, during and after the snapshot, and while it restores. */
const CRASHES = [
  ["partition: before an upload is noted", pipeline],
  ["partition: after an upload is noted", union],
  ["partition: before acknowledge", pipeline],
  ["partition: after attach", union],
  ["coordinator: after complete", pipeline],
] as const;

it.each(CRASHES)("restores what was in flight after a crash %s", async (point, jobOf) => {
  // The padding makes in-flight frames too large for the manifest: they become objects.
  const crashAt = { point, passings: [2, 5, 9] };
  const change = { paddingBytes: 2_000, requestsPerProducer: 3 };
  const { failure, checkpointsInFlight, world } = await run(jobOf, change, { crashAt });
  expect(failure).toBeUndefined();
  expect(world.losses).toBe(crashAt.passings.length);
  expect(checkpointsInFlight).toBeGreaterThan(0);
});

it.each([1, 2, 3])(
  "keeps a count of counts exact when everything fails, with barriers that overtake, in the world of seed %i",
  async (seed) => {
    const scenario = { ...scenarioOf(seed), alignmentTimeoutMs: [0, 50][seed % 2]! };
    const { failure } = await runRegion(countOfCounts(scenario), scenario, { slowMs: 200 });
    expect(failure).toBeUndefined();
  },
);
