/**
 * A Coordinator as a Durable Object: one per job, named like it.
 * All decisions are JobCoordinator's; this file only connects it to the platform.
 */
import type {
  Acknowledgement,
  AttachPartitionRequest,
  AttachSourceRequest,
  CheckpointDecline,
  CoordinatorCalls,
  TaskChange,
  TaskFailure,
} from "./messages.ts";
import { coordinatorQueriesObject } from "./coordinator-queries-object.ts";
import type { JobRegistry } from "./platform/job-registry.ts";
import type { ObjectClass } from "./platform/object-class.ts";
import type { RollbackRequest } from "./vertex-messages.ts";

/** The class to export as `Coordinator` from a Worker with these jobs. */
export function coordinatorObject(jobs: JobRegistry): ObjectClass {
  return class Coordinator extends coordinatorQueriesObject(jobs) implements CoordinatorCalls {
    async attachSource(request: AttachSourceRequest) {
      return await this.held.task.attachSource(request);
    }

    async attachPartition(request: AttachPartitionRequest) {
      return await this.held.task.attachPartition(request);
    }

    async acknowledge(request: Acknowledgement) {
      return await this.held.task.acknowledge(request);
    }

    async declineCheckpoint(request: CheckpointDecline) {
      return await this.held.task.declineCheckpoint(request);
    }

    async sourceChanged(request: Parameters<CoordinatorCalls["sourceChanged"]>[0]) {
      return await this.held.task.sourceChanged(request);
    }

    async taskChanged(request: TaskChange) {
      return await this.held.task.taskChanged(request);
    }

    async requestRollback(request: RollbackRequest) {
      return await this.held.task.requestRollback(request);
    }

    async fail(request: TaskFailure) {
      return await this.held.task.fail(request);
    }
  };
}
