/**
 * Events per second of the Nexmark queries: the product's own source, one partition per keyed vertex and the
 * coordinator, all on one thread of Node, from the posted lines to a checkpoint that covers them. Calls,
 * storage and bucket are the simulator's, in memory and without faults: HTTP, SQLite and R2 cost nothing here,
 * and the simulator's own work counts. Time is CPU time of the process, so figures are per core.
 */
import { JobWorld } from "../../test/durable-objects/jobs/job-world.ts";
import { median } from "../median.ts";
import { generateLines } from "./generator/generate-events.ts";
import { queryJobs } from "./queries/query-jobs.ts";
import { queryNames, type QueryName } from "./query-names.ts";
import { verificationWorkload } from "./verification-workload.ts";

const LINES_PER_REQUEST = 1000;

export interface QueryThroughput {
  readonly query: QueryName;
  /** Median over the rounds. */
  readonly eventsPerSecond: number;
}

/** Measures one query after the other; the first round of each, in which code is compiled, does not count. */
export async function* measureQueries(
  eventCount: number,
  rounds: number,
): AsyncGenerator<QueryThroughput> {
  const lines = [...generateLines({ ...verificationWorkload, eventCount })];
  for (const query of queryNames) {
    const rates: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const seconds = await cpuSecondsOf(query, lines);
      if (round > 0) rates.push(lines.length / seconds);
    }
    yield { query, eventsPerSecond: median(rates) };
  }
}

async function cpuSecondsOf(query: QueryName, lines: readonly string[]): Promise<number> {
  const job = queryJobs[query]({ parallelism: 1, checkpoint: { intervalMs: 10_000 } });
  const world = new JobWorld(job);
  try {
    const before = process.cpuUsage();
    for (let from = 0; from < lines.length; from += LINES_PER_REQUEST) {
      await world.post(lines.slice(from, from + LINES_PER_REQUEST));
    }
    await world.checkpoint();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  } finally {
    world.close();
  }
}
