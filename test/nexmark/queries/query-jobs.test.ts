/**
 * Every Nexmark query as a job on the product's own source, partitions and coordinator, against the batch query
 * over the same events: on one partition without faults, and on four with all that may fail failing.
 */
import { expect, test } from "vitest";
import { batchQueries } from "../../../bench/nexmark/batch/batch-queries.ts";
import { comparableLines } from "../../../bench/nexmark/batch/comparable-lines.ts";
import { generateEvents } from "../../../bench/nexmark/generator/generate-events.ts";
import { queryNames } from "../../../bench/nexmark/query-names.ts";
import { verificationWorkload } from "../../../bench/nexmark/verification-workload.ts";
import { ORDINARY_FAULTS } from "../../durable-objects/jobs/job-world.ts";
import { runQuery } from "./run-query.ts";

/** 2,000 events over 40 s of event time, with midnight in their middle. */
const events = [
  ...generateEvents({
    ...verificationWorkload,
    eventCount: 2000,
    eventsPerSecond: 50,
    outOfOrderGroupSize: 10,
    baseTimeMs: Date.UTC(2015, 6, 14, 23, 59, 40),
  }),
];
const lines = events.map((event) => JSON.stringify(event));

/** A loss of memory takes the whole region of a job of two keyed vertices back: not at every hundredth event. */
const faults = { ...ORDINARY_FAULTS, crash: 0.004 };

const runs = queryNames.flatMap((query, index) => [
  { query, parallelism: 1, rates: {}, seed: 100 + index },
  { query, parallelism: 4, rates: faults, seed: 200 + index },
]);

test.each(runs)(
  "$query on $parallelism partition(s) commits what the batch query answers (seed $seed)",
  async ({ query, ...run }) => {
    const expected = comparableLines(query, batchQueries[query](events));
    expect(expected.length).toBeGreaterThan(0);
    const { rows } = await runQuery(query, lines, { ...run, largestRequestLines: 250 });
    expect(comparableLines(query, rows)).toEqual(expected);
  },
);

test("q5 counts the first window although the partition of the hottest auction is the last to speak (seed 200)", async () => {
  const { rows } = await runQuery("q5", lines, {
    parallelism: 4,
    seed: 200,
    largestRequestLines: 100,
  });
  expect(comparableLines("q5", rows)).toEqual(comparableLines("q5", batchQueries.q5(events)));
});
