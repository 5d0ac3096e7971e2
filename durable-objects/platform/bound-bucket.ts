/**
 * The R2 buckets that a Worker has bound, by the name of their binding: the bucket of a job, and those
 * that feeds read.
 *
 * Promise: every object of a job is in the bucket that jobBucket answers, and nobody else decides which.
 */
import type { JobGraph } from "../../dataflow/job-graph.ts";

/** The job's objects have no place to be in: no call to the job succeeds until a deploy binds the bucket. */
export class MissingJobBucket extends Error {
  override readonly name = "MissingJobBucket";
}

/** Undefined when nothing of this name is bound, or something other than a bucket. */
export function boundBucket(bindings: object, binding: string): R2Bucket | undefined {
  const bound = (bindings as Readonly<Record<string, unknown>>)[binding] as R2Bucket | undefined;
  return typeof bound?.list === "function" ? bound : undefined;
}

/** What to add to wrangler.toml for a bucket that is not bound. */
export function bucketToBind(binding: string): string {
  return `add [[r2_buckets]] with binding = "${binding}" and the bucket_name to wrangler.toml`;
}

/** The bucket of the option `checkpoint.bucket`. Throws MissingJobBucket when the Worker has not bound it. */
export function jobBucket({ name, options }: JobGraph, bindings: object): R2Bucket {
  const { bucket: binding } = options.checkpoint;
  const bucket = boundBucket(bindings, binding);
  if (bucket !== undefined) return bucket;
  throw new MissingJobBucket(
    `Job "${name}" keeps its checkpoints in the R2 bucket bound as "${binding}", and this Worker has no ` +
      `such binding: ${bucketToBind(binding)}, or name another binding in the job's option "checkpoint.bucket".`,
  );
}
