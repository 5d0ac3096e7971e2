/**
 * Every Nexmark query over 200,000 events as a job on the product's own objects, on one partition and, while
 * calls get lost and objects lose their memory, on four: the committed rows equal the batch query's.
 */
import { batchQueries } from "../../../bench/nexmark/batch/batch-queries.ts";
import { comparableLines } from "../../../bench/nexmark/batch/comparable-lines.ts";
import type { NexmarkEvent } from "../../../bench/nexmark/generator/event.ts";
import { generateEvents } from "../../../bench/nexmark/generator/generate-events.ts";
import { queryNames, type QueryName } from "../../../bench/nexmark/query-names.ts";
import { verificationWorkload } from "../../../bench/nexmark/verification-workload.ts";
import { ORDINARY_FAULTS } from "../../durable-objects/jobs/job-world.ts";
import { runQuery, type QueryRun } from "../../nexmark/queries/run-query.ts";

/** Seldom enough for requests of a thousand lines to get through between two losses of memory. */
const FAULTS = { ...ORDINARY_FAULTS, crash: 0.0005, crashAtPoint: 0.001 };

export interface QueryResultsOptions {
  /** Replays a run: the same seed, the same events, requests and faults. */
  readonly seed: number;
  readonly report: (line: string) => void;
  /** All of them by default. */
  readonly queries?: readonly QueryName[];
}

/** The full form: tens of minutes on two cores, most of them for query 23 and its 265 MB of rows. Throws at the first result that differs. */
export async function run(options: QueryResultsOptions): Promise<void> {
  const { seed, report, queries = queryNames } = options;
  const events = [...generateEvents({ ...verificationWorkload, seed })];
  const lines = events.map((event) => JSON.stringify(event));
  for (const query of queries) {
    for (const [parallelism, rates] of [
      [1, {}],
      [4, FAULTS],
    ] as const) {
      const began = performance.now();
      const rows = await prove(query, events, lines, {
        parallelism,
        rates,
        seed,
        largestRequestLines: 1500,
      });
      const seconds = (performance.now() - began) / 1000;
      const where = `${parallelism} partition(s)${parallelism === 1 ? "" : " with faults"}`;
      report(
        `${query} on ${where}: ${rows} lines equal the batch result (${seconds.toFixed(1)} s).`,
      );
    }
  }
}

async function prove(
  query: QueryName,
  events: readonly NexmarkEvent[],
  lines: readonly string[],
  run: QueryRun,
): Promise<number> {
  const expected = comparableLines(query, batchQueries[query](events));
  const actual = comparableLines(query, await runQuery(query, lines, run));
  const place = expected.findIndex((line, index) => line !== actual[index]);
  if (place < 0 && expected.length === actual.length) return expected.length;
  const at = place < 0 ? expected.length : place;
  throw new Error(
    `${query} on ${run.parallelism} partition(s), seed ${run.seed}: ${actual.length} lines, the batch ` +
      `query has ${expected.length}. Line ${at} is ${actual[at] ?? "missing"} instead of ` +
      `${expected[at] ?? "nothing"}.`,
  );
}
