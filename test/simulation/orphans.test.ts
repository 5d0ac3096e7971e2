/** What interrupted uploads leave in the bucket, and who finds it. */
import { expect, it } from "vitest";
import { NO_FAULTS } from "./faults.ts";
import { scenarioOf, type Scenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";

const HOUR_MS = 3_600_000;
const BEGIN = Date.UTC(2026, 0, 1);

/** One producer that goes on for hours, crashes between a PUT and its note, PUTs that land late. */
const INTERRUPTED: Scenario = {
  ...scenarioOf(1),
  job: "wordCount",
  input: "posted",
  sources: 1,
  partitions: 2,
  producers: 1,
  requestsPerProducer: 250,
  linesPerRequest: 2,
  sharedWords: 5,
  paddingBytes: 500,
  memoryBytes: 64 * 1024,
  intervalMs: 10_000,
  timeoutMs: 60_000,
  tolerableFailures: 1_000,
  retained: 1,
  restarts: 0,
  hasSink: false,
  hasLongPauses: true,
  rates: {
    ...NO_FAULTS,
    crash: 0.01,
    crashAtCall: 0.01,
    zombie: 0.5,
    blobFailure: 0.1,
    blobIndeterminate: 0.1,
    blobDelayed: 0.2,
    blobSlow: 0.05,
  },
};

/** Not every such world has a PUT that lands after it was forgotten: the first of these that has one shows who finds it. */
const SEEDS = [1, 2, 3, 4, 5, 6];

it("[rule 10] interrupted uploads for an hour of simulated time leave no object behind after the orphan scan", async () => {
  for (const seed of SEEDS) {
    const scenario = { ...INTERRUPTED, seed };
    const { endsAt, failure, orphans } = await simulate(scenario, { scansOrphans: true });
    expect(failure).toBeUndefined();
    expect(endsAt - BEGIN).toBeGreaterThan(HOUR_MS);
    if (orphans > 0) return;
  }
  expect.unreachable("No PUT landed after it had been forgotten: make more of them late.");
});
