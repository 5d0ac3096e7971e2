/**
 * A whole Worker from its jobs. With a wrangler.toml that binds SOURCE, PARTITION, COORDINATOR and
 * BUCKET, a project of its own needs three files:
 *
 *   const worker = weir([wordCount]);
 *   export const { Source, Partition, Coordinator } = worker;
 *   export default worker.handler;
 */
import { jobGraphOf } from "../dataflow/job.ts";
import type { BuiltStream } from "../dataflow/job.ts";
import { coordinatorObject } from "../durable-objects/coordinator-object.ts";
import { partitionObject } from "../durable-objects/partition-object.ts";
import { JobRegistry } from "../durable-objects/platform/job-registry.ts";
import { sourceObject } from "../durable-objects/source-object.ts";
import { createWeirApp } from "./http/app.ts";

/** Throws when two jobs have one name. */
export function weir(streams: readonly BuiltStream[]) {
  const jobs = new JobRegistry(streams.map(jobGraphOf));
  const app = createWeirApp(jobs);
  return {
    handler: { fetch: app.fetch },
    Source: sourceObject(jobs),
    Partition: partitionObject(jobs),
    Coordinator: coordinatorObject(jobs),
  };
}
