/**
 * Reads at a completed checkpoint: from the bucket, without touching a partition [21].
 */
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { KeyedVertex } from "../../dataflow/job-graph.ts";
import { ProblemError } from "../http/problem.ts";
import type { ReachableJob } from "../http/routing.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import type { StateReads } from "./state-reads.ts";

export interface CheckpointPlace {
  readonly job: ReachableJob;
  readonly vertex: KeyedVertex;
  readonly checkpoint: number;
  readonly blobStore: BlobStore;
}

/** Throws the 404 or 410 of the contract, also when the checkpoint goes while it is read. */
export async function readAtCheckpoint<Answer>(
  { job, checkpoint }: CheckpointPlace,
  _read: (reads: StateReads) => Promise<Answer>,
): Promise<Answer> {
  await checkpointPath(job.peers.coordinator(), checkpoint);
  throw new ProblemError({
    status: 501,
    title: "Reads at a checkpoint not implemented",
    detail: "State can only be read live yet.",
  });
}
