/**
 * Which jobs of a Worker feed which through their sinks, and whether they may: a plain question about
 * the graphs. Jobs elsewhere, fed over HTTP, are not known here.
 */
import { sinkDefinitions } from "../dataflow/consumers.ts";
import type { JobGraph } from "../dataflow/job-graph.ts";

/** Throws when a sink feeds a job that is not there, or jobs feed each other in a circle. */
export function checkFeeds(graphs: ReadonlyMap<string, JobGraph>): void {
  for (const graph of graphs.values()) {
    for (const { job, sink } of feedsOf(graph)) {
      if (graphs.has(job)) continue;
      throw new Error(
        `Sink "${sink}" of job "${graph.name}" feeds the job "${job}", which this Worker has not: add ` +
          `it, or give the sink the url of the Worker that has it.`,
      );
    }
  }
  for (const { name } of graphs.values()) {
    if (!reachedFrom(name, graphs).has(name)) continue;
    throw new Error(
      `Job "${name}" feeds itself through the sinks of other jobs: once their logs are full, none of ` +
        `them could go on. Leave one of the sinks out.`,
    );
  }
}

/** Jobs that the results of `name` reach. */
function reachedFrom(name: string, graphs: ReadonlyMap<string, JobGraph>): ReadonlySet<string> {
  const reached = new Set<string>();
  const waiting = [name];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const { job } of feedsOf(graphs.get(next)!)) {
      if (reached.has(job)) continue;
      reached.add(job);
      waiting.push(job);
    }
  }
  return reached;
}

function feedsOf(graph: JobGraph): readonly { readonly sink: string; readonly job: string }[] {
  return sinkDefinitions(graph).flatMap((definition) =>
    definition.kind === "weirJob" && definition.target.url === undefined
      ? [{ sink: definition.name, job: definition.target.job }]
      : [],
  );
}
