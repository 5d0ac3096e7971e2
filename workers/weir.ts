/**
 * A whole Worker from its jobs. With a wrangler.toml that binds SOURCE, PARTITION, COORDINATOR and
 * BUCKET (and further buckets that jobs name), a project of its own needs three files:
 *
 *   const worker = weir([wordCount]);
 *   export const { Source, Partition, Coordinator } = worker;
 *   export default worker.handler;
 */
import { jobGraphOf } from "../dataflow/job.ts";
import type { BuiltStream } from "../dataflow/job.ts";
import { coordinatorObject } from "../durable-objects/coordinator-object.ts";
import { partitionObject } from "../durable-objects/partition-object.ts";
import type { WeirBindings } from "../durable-objects/platform/bindings.ts";
import { JobRegistry } from "../durable-objects/platform/job-registry.ts";
import type { ObjectClass } from "../durable-objects/platform/object-class.ts";
import { createPeers } from "../durable-objects/platform/peers.ts";
import { sourceObject } from "../durable-objects/source-object.ts";
import { wakeFeeds } from "./feeds/wake-feeds.ts";
import type { WakeableJob } from "./feeds/wake-feeds.ts";
import { createWeirApp } from "./http/app.ts";
import { consumeQueue } from "./queues/consume-queue.ts";
import type { QueueBatch } from "./queues/consume-queue.ts";

export type { WeirBindings } from "../durable-objects/platform/bindings.ts";

/** What a Worker exports to run its jobs. */
export interface WeirWorker {
  readonly handler: {
    fetch(request: Request, bindings: WeirBindings, context: ExecutionContext): Promise<Response>;
    /** Takes batches of the queues that jobs read with queueMessages(). */
    queue(batch: QueueBatch, bindings: WeirBindings): Promise<void>;
    /** For a cron trigger: begins the feeds of jobs after a deploy, without being asked about them. */
    scheduled(event: unknown, bindings: WeirBindings): Promise<void>;
  };
  readonly Source: ObjectClass;
  readonly Partition: ObjectClass;
  readonly Coordinator: ObjectClass;
}

/** Throws when two jobs have one name. */
export function weir(streams: readonly BuiltStream[]): WeirWorker {
  const jobs = new JobRegistry(streams.map(jobGraphOf));
  const app = createWeirApp(jobs);
  return {
    handler: {
      fetch: async (...call) => await app.fetch(...call),
      queue: async (batch, bindings) => await consumeQueue(jobs, batch, bindings),
      scheduled: async (_event, bindings) => await wakeFeeds(wakeableJobs(jobs, bindings)),
    },
    Source: sourceObject(jobs),
    Partition: partitionObject(jobs),
    Coordinator: coordinatorObject(jobs),
  };
}

function wakeableJobs(jobs: JobRegistry, bindings: WeirBindings): readonly WakeableJob[] {
  return jobs.names.map((name) => ({
    graph: jobs.get(name, bindings),
    coordinator: () => createPeers(bindings, name).coordinator(),
  }));
}
