/**
 * Every Nexmark query over 200,000 events as a job on the product's own objects, on one partition and on four,
 * first undisturbed, then while calls get lost and objects lose their memory: the committed rows equal the
 * batch query's. A row says how long it took, beside what Flink publishes.
 */
import { batchQueries } from "../../../bench/nexmark/batch/batch-queries.ts";
import { comparableLines } from "../../../bench/nexmark/batch/comparable-lines.ts";
import { queryFigures } from "../../../bench/nexmark/figures.ts";
import { generateEvents } from "../../../bench/nexmark/generator/generate-events.ts";
import type { QueryName } from "../../../bench/nexmark/query-names.ts";
import { verificationWorkload } from "../../../bench/nexmark/verification-workload.ts";
import { ORDINARY_FAULTS } from "../../durable-objects/jobs/job-world.ts";
import { assertEqualLines } from "./assert-equal-lines.ts";
import { runQuery, type QueryRun } from "../../nexmark/queries/run-query.ts";

/** Seldom enough for requests of a thousand lines to get through between two losses of memory. */
const FAULTS = { ...ORDINARY_FAULTS, crash: 0.0005, crashAtPoint: 0.001 };
const SECONDS_BETWEEN_REPORTS = 30;

export interface QueryResultsOptions {
  /** Replays a run: the same seed, the same events, requests and faults. */
  readonly seed: number;
  readonly report: (line: string) => void;
  readonly queries: readonly QueryName[];
  readonly eventCount: number;
}

/** The full form: an hour of CPU time, most of it for query 23 and its 265 MB of rows. Throws at the first result that differs. */
export async function run(options: QueryResultsOptions): Promise<void> {
  const { seed, report, queries, eventCount } = options;
  const events = [...generateEvents({ ...verificationWorkload, seed, eventCount })];
  const lines = events.map((event) => JSON.stringify(event));
  for (const query of queries) {
    const expected = comparableLines(query, batchQueries[query](events));
    for (const rates of [{}, FAULTS]) {
      for (const parallelism of [1, 4]) {
        const how = { parallelism, rates, seed, largestRequestLines: 1500 };
        const where = `${query} on ${parallelism} partition(s)${rates === FAULTS ? " with faults" : ""}`;
        const said = await prove(query, expected, lines, {
          ...how,
          progress: reporting(where, report),
        });
        report(`${where}: ${said}`);
      }
    }
  }
}

async function prove(
  query: QueryName,
  expected: readonly string[],
  lines: readonly string[],
  how: QueryRun,
): Promise<string> {
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const { rows, losses } = await runQuery(query, lines, how);
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1000;
  assertEqualLines(`${query} on ${how.parallelism} partition(s), seed ${how.seed}`, {
    expected,
    actual: comparableLines(query, rows),
  });
  if (how.rates === FAULTS && losses === 0) throw new Error(`${query} lost no memory at all.`);
  const rate = lines.length / ((user + system) / 1e6);
  const flink = queryFigures[query].flinkEventsPerSecondPerCore;
  return (
    `${expected.length} lines equal the batch result, ${losses} losses of memory, ${seconds.toFixed(0)} s, ` +
    `${whole(rate)} events/s of CPU time (Flink per core: ${flink === undefined ? "–" : whole(flink)}).`
  );
}

function reporting(
  where: string,
  report: (line: string) => void,
): (lines: number, losses: number) => void {
  let last = performance.now();
  return (lines, losses) => {
    const now = performance.now();
    if (now - last < SECONDS_BETWEEN_REPORTS * 1000) return;
    last = now;
    report(`${where}: ${whole(lines)} events, ${losses} losses of memory so far.`);
  };
}

function whole(number: number): string {
  return Math.round(number).toLocaleString("en");
}
