/**
 * Runs a Nexmark query as a job in a simulated world, its objects the product's own, and answers the rows it
 * committed. Lines come in requests of differing size, with time, checkpoints and faults in between, all by seed.
 */
import type { ResultRow } from "../../../bench/nexmark/batch/result-row.ts";
import { queryJobs } from "../../../bench/nexmark/queries/query-jobs.ts";
import type { QueryName } from "../../../bench/nexmark/query-names.ts";
import { JobWorld } from "../../durable-objects/jobs/job-world.ts";
import type { FaultRates } from "../../simulation/faults.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { endOfEventTime } from "./end-of-event-time.ts";

export interface QueryRun {
  readonly parallelism: number;
  readonly seed: number;
  /** What goes wrong until everything is posted; nothing by default. */
  readonly rates?: Partial<FaultRates>;
  readonly largestRequestLines: number;
  /** Told of every request that was taken: lines so far, and objects that have lost their memory. */
  readonly progress?: (lines: number, losses: number) => void;
}

export interface QueryAnswer {
  /** In the order they were committed. */
  readonly rows: readonly ResultRow[];
  /** How many objects lost their memory to a fault on the way. */
  readonly losses: number;
}

export async function runQuery(
  query: QueryName,
  lines: readonly string[],
  { parallelism, seed, rates = {}, largestRequestLines, progress }: QueryRun,
): Promise<QueryAnswer> {
  const random = new SeededRandom(seed);
  const stream = queryJobs[query]({
    parallelism,
    maxParallelism: 16,
    checkpoint: { intervalMs: 3000 },
    restart: { attempts: 1_000_000, maxBackoffMs: 2000 },
  });
  const world = new JobWorld(stream, { seed, rates });
  try {
    for (let from = 0; from < lines.length;) {
      const count = random.between(1, largestRequestLines);
      await world.post(lines.slice(from, from + count));
      from += count;
      progress?.(Math.min(from, lines.length), world.world.losses);
      if (random.chance(0.3)) await world.pass(random.between(1, 6000));
      if (random.chance(0.1)) await world.checkpoint();
    }
    world.calm();
    await world.post([JSON.stringify(endOfEventTime)]);
    // Ends the last window of processing time, too.
    await world.pass(20_000);
    await world.checkpoint();
    // A ranking comes as one value, its rows in order.
    const rows = (await world.values()).flat() as readonly ResultRow[];
    return { rows, losses: world.world.losses };
  } finally {
    world.close();
  }
}
