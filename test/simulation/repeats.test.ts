/** Two runs that must agree: of one seed bit for bit, and of one input whatever the parallelism. */
import { expect, it } from "vitest";
import { NO_FAULTS } from "./faults.ts";
import { INPUT_KINDS } from "./fed-input.ts";
import { faults, mutantScenario } from "./mutants/worlds.ts";
import { JOB_KINDS, TIMED_JOBS } from "./jobs/simulated-jobs.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";
import { type Result, simulate } from "./simulate.ts";

/** A world with faults of many kinds. */
const SEED = 3;

it.each(JOB_KINDS)("repeats the job %s bit for bit from its seed", async (job) => {
  const scenario = { ...scenarioOf(SEED), job, restarts: 1, hasSink: true };
  const first = await simulate(scenario, { traced: true });
  const again = await simulate(scenario, { traced: true });
  expect(again.checksum).toBe(first.checksum);
  expect(again.events).toBe(first.events);
  expect(again.finalResult).toEqual(first.finalResult);
});

it.each(JOB_KINDS)(
  "has the same result on four partitions under faults as on one without, of the job %s",
  async (job) => {
    const seed = 11 + JOB_KINDS.indexOf(job);
    const scenario: Scenario = {
      ...scenarioOf(seed),
      job,
      // Between sources, and between producers of one, nothing has an order.
      sources: TIMED_JOBS.has(job) || job === "arrivalOrder" ? 1 : 2,
      ...(job === "arrivalOrder" && { producers: 1 }),
      startsElsewhere: false,
      requestsPerProducer: 6,
      linesPerRequest: 10,
      // Who is asked in vain has another result.
      rates: { ...scenarioOf(seed).rates, outsideFailure: 0, outsideSlow: 0 },
      input: INPUT_KINDS[JOB_KINDS.indexOf(job) % INPUT_KINDS.length]!,
    };
    const calm = { ...scenario, partitions: 1, restarts: 0, rates: NO_FAULTS };
    const one = await simulate(calm);
    expect(one.failure).toBeUndefined();
    expect(resultOf(one).length).toBeGreaterThan(0);
    for (const partitions of [2, 4]) {
      const many = await simulate({ ...scenario, partitions });
      expect(many.failure).toBeUndefined();
      expect(resultOf(many)).toEqual(resultOf(one));
    }
  },
);

function resultOf({ finalResult = [], scenario }: Result): readonly string[] {
  switch (scenario.job) {
    // Which rules a visit meets first is open.
    case "broadcastRules":
      return finalResult.filter((text) => text.startsWith("state "));
    // Each partition answers to each rule.
    case "allround":
      return finalResult.filter((text) => !text.startsWith('output ruled "new '));
    // The operator numbers records by the clock.
    case "enrichment":
      return finalResult.filter((text) => !text.startsWith("state enrich-next "));
    // Nobody waits for the clock once the input has ended.
    case "timers":
      return finalResult.filter((text) => !text.includes("clock"));
    default:
      return finalResult;
  }
}

it.each(INPUT_KINDS)("repeats a world bit for bit whose lines are %s", async (input) => {
  const scenario: Scenario = { ...scenarioOf(SEED), job: "enrichment", input, restarts: 1 };
  const first = await simulate(scenario, { traced: true });
  const again = await simulate(scenario, { traced: true });
  expect(first.failure).toBeUndefined();
  expect(again.checksum).toBe(first.checksum);
});

it("writes tables to the bucket and commits output in enough of the worlds to mean something", async () => {
  let uploading = 0;
  let committing = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const { linesCommitted, tablesUploaded } = await simulate(scenarioOf(seed));
    if (tablesUploaded > 0) uploading++;
    if (linesCommitted > 0) committing++;
  }
  expect(uploading).toBeGreaterThanOrEqual(5);
  expect(committing).toBeGreaterThanOrEqual(10);
});

/** An alert fails the run: what is shown besides is that there was something to raise one. */
it.each(["allround", "stateMachine"] as const)(
  "raises no alert in the all-round job and the state machine, which lose their memory, and commits what they saw (%s)",
  async (job) => {
    for (const seed of [1, 2, 3]) {
      const world = { job, requestsPerProducer: 6, rates: faults({ crash: 0.03, slowCall: 0.05 }) };
      let losses = 0;
      const scenario = mutantScenario(seed, world);
      const { checkpointsChecked, failure, finalResult } = await simulate(scenario, {
        during: (running) => (losses = running.losses),
      });
      expect(failure).toBeUndefined();
      expect(losses).toBeGreaterThan(0);
      expect(checkpointsChecked).toBeGreaterThan(1);
      expect(finalResult!.length).toBeGreaterThan(0);
    }
  },
);
