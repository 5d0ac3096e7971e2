/** Where a job stands: whether it runs, and its latest completed checkpoint. */
import type { JsonObject } from "../../durable-objects/coordinator-queries.ts";
import type { JobStatus } from "../../durable-objects/messages.ts";
import type { ReachableJob } from "../http/routing.ts";

export interface LatestCheckpoint {
  readonly status: JobStatus;
  /** 0 when none was ever completed. */
  readonly checkpoint: number;
}

export async function latestCheckpoint({ peers }: ReachableJob): Promise<LatestCheckpoint> {
  const { status, checkpoint } = await peers.coordinator().describeJob();
  return {
    status: status as JobStatus,
    checkpoint: (checkpoint as JsonObject)["latestCompleted"] as number,
  };
}

/** Such a job processes nothing: its latest completed checkpoint is all there is to read. */
export function hasEnded(status: JobStatus): boolean {
  return status !== "RUNNING" && status !== "RESTARTING";
}
