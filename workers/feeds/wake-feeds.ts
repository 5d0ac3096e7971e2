/**
 * Wakes the jobs that read by themselves: a deploy runs no code, and nobody sends such jobs lines.
 *
 * Promise: each is asked for its status and nothing else, which begins its feeds when this code version
 * has not yet, and costs one request otherwise, FINISHED or not. Other jobs are left asleep.
 */
import { pulledFeedsOf } from "../../dataflow/feeds/feed.ts";
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { CoordinatorQueries } from "../../durable-objects/coordinator-queries.ts";

export interface WakeableJob {
  readonly graph: JobGraph;
  readonly coordinator: () => Pick<CoordinatorQueries, "status">;
}

/** Rejects when jobs did not answer, after all were asked. */
export async function wakeFeeds(jobs: readonly WakeableJob[]): Promise<void> {
  const reading = jobs.filter(({ graph }) => pulledFeedsOf(graph).length > 0);
  const asked = await Promise.allSettled(
    reading.map(async ({ coordinator }) => await coordinator().status()),
  );
  const failed = asked.flatMap((answer, index) =>
    answer.status === "rejected" ? [{ job: reading[index]!.graph.name, cause: answer.reason }] : [],
  );
  if (failed.length === 0) return;
  const names = failed.map(({ job }) => `"${job}"`).join(", ");
  throw new AggregateError(
    failed.map(({ cause }) => cause as unknown),
    `The feeds of ${names} could not be woken, because their coordinators did not answer: ` +
      `the next cron trigger, or GET /jobs, asks again.`,
  );
}
