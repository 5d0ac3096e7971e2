/** Jobs of one Worker that feed each other. */
import { expect, it } from "vitest";
import { job, jobGraphOf } from "../../../dataflow/job.ts";
import { weirJob } from "../../../dataflow/sinks/weir-job.ts";
import type { JobGraph } from "../../../dataflow/job-graph.ts";
import { checkFeeds } from "../../../durable-objects/check-feeds.ts";

function feeding(name: string, ...targets: readonly string[]) {
  const lines = job(name).lines();
  for (const target of targets) lines.sinkTo(weirJob({ name: `to-${target}`, job: target }));
  return jobGraphOf(lines.output());
}

function check(...graphs: readonly JobGraph[]): void {
  checkFeeds(new Map(graphs.map((graph) => [graph.name, graph])));
}

it("jobs that feed others of the same Worker are taken, in any order", () => {
  expect(() => check(feeding("a", "b", "c"), feeding("c"), feeding("b", "c"))).not.toThrow();
});

it("a sink into a job that the Worker has not is refused when the Worker starts", () => {
  expect(() => check(feeding("a", "b"))).toThrow('feeds the job "b"');
});

it("jobs that feed each other in a circle are refused", () => {
  const circle = [feeding("a", "b"), feeding("b", "c"), feeding("c", "b")];
  expect(() => check(...circle)).toThrow('Job "b" feeds itself');
});
