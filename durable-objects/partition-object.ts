/**
 * A Partition as a Durable Object: a range of key groups of one keyed vertex, named `job/vertex/index`.
 * All decisions are PartitionTask's; this file only connects it to the platform.
 */
import { DurableObject } from "cloudflare:workers";
import type {
  Barrier,
  CheckpointCompleted,
  JobStatus,
  PartitionCalls,
  ReadRequest,
  ResultsRequest,
  ScanRequest,
  SourceFrame,
} from "./messages.ts";
import { PartitionTask } from "./partition/partition.ts";
import type { WeirBindings } from "./platform/bindings.ts";
import { HeldTask } from "./platform/held-task.ts";
import type { JobRegistry } from "./platform/job-registry.ts";
import type { ObjectClass } from "./platform/object-class.ts";
import type {
  OpenVertexChannel,
  VertexBarrier,
  VertexFrame,
  VertexRewind,
} from "./vertex-messages.ts";

/** The class to export as `Partition` from a Worker with these jobs. */
export function partitionObject(jobs: JobRegistry): ObjectClass {
  return class Partition extends DurableObject<WeirBindings> implements PartitionCalls {
    readonly #held: HeldTask<PartitionTask>;

    constructor(state: DurableObjectState, bindings: WeirBindings) {
      super(state, bindings);
      this.#held = new HeldTask({
        state,
        bindings,
        jobs,
        create: (context, job, name) => new PartitionTask(context, job, name),
      });
    }

    override alarm() {
      return this.#held.alarm();
    }

    async openChannel(request: { source: number; generation: number }) {
      return await this.#held.task.openChannel(request);
    }

    async frame(request: SourceFrame) {
      return await this.#held.task.frame(request);
    }

    async barrier(request: Barrier) {
      return await this.#held.task.barrier(request);
    }

    async openVertexChannel(request: OpenVertexChannel) {
      return await this.#held.task.openVertexChannel(request);
    }

    async vertexFrame(request: VertexFrame) {
      return await this.#held.task.vertexFrame(request);
    }

    async vertexBarrier(request: VertexBarrier) {
      return await this.#held.task.vertexBarrier(request);
    }

    async rewindVertexChannel(request: VertexRewind) {
      return await this.#held.task.rewindVertexChannel(request);
    }

    async abortCheckpoint(request: { generation: number; checkpoint: number }) {
      return await this.#held.task.abortCheckpoint(request);
    }

    async completeCheckpoint(request: CheckpointCompleted) {
      return await this.#held.task.completeCheckpoint(request);
    }

    async enter(request: { generation: number; status: JobStatus }) {
      return await this.#held.task.enter(request);
    }

    async readState(request: ReadRequest) {
      return await this.#held.task.readState(request);
    }

    async scanState(request: ScanRequest) {
      return await this.#held.task.scanState(request);
    }

    async awaitResults(request: ResultsRequest) {
      return await this.#held.task.awaitResults(request);
    }

    async notedUploads() {
      return await this.#held.task.notedUploads();
    }
  };
}
