/**
 * A Coordinator as a Durable Object: one per job, named like it.
 * All decisions are JobCoordinator's; this file only connects it to the platform.
 */
import { DurableObject } from "cloudflare:workers";
import type { JobGraph } from "../dataflow/job-graph.ts";
import type { StartRequest, StopRequest } from "./coordinator-queries.ts";
import type {
  Acknowledgement,
  AttachPartitionRequest,
  AttachSourceRequest,
  CoordinatorCalls,
  TaskFailure,
} from "./messages.ts";
import { JobCoordinator } from "./coordinator/coordinator.ts";
import type { ObjectContext } from "./object-context.ts";
import type { WeirBindings } from "./platform/bindings.ts";
import { HeldTask } from "./platform/held-task.ts";
import type { JobRegistry } from "./platform/job-registry.ts";

const create = (context: ObjectContext, job: JobGraph) => new JobCoordinator(context, job);

/** The class to export as `Coordinator` from a Worker with these jobs. */
export function coordinatorObject(jobs: JobRegistry) {
  return class Coordinator extends DurableObject<WeirBindings> implements CoordinatorCalls {
    readonly #held: HeldTask<JobCoordinator>;

    constructor(state: DurableObjectState, bindings: WeirBindings) {
      super(state, bindings);
      this.#held = new HeldTask({ state, bindings, jobs, create });
    }

    override alarm() {
      return this.#held.alarm();
    }

    async attachSource(request: AttachSourceRequest) {
      return await this.#held.task.attachSource(request);
    }

    async attachPartition(request: AttachPartitionRequest) {
      return await this.#held.task.attachPartition(request);
    }

    async acknowledge(request: Acknowledgement) {
      return await this.#held.task.acknowledge(request);
    }

    async sourceChanged(request: Parameters<CoordinatorCalls["sourceChanged"]>[0]) {
      return await this.#held.task.sourceChanged(request);
    }

    async fail(request: TaskFailure) {
      return await this.#held.task.fail(request);
    }

    async requestCheckpoint(request: Parameters<CoordinatorCalls["requestCheckpoint"]>[0]) {
      return await this.#held.task.requestCheckpoint(request);
    }

    async checkpointSubtasks(request: { id: number; vertex: string }) {
      return await this.#held.task.checkpointSubtasks(request);
    }

    async stop(request: StopRequest) {
      return await this.#held.task.stop(request);
    }

    async scanOrphans(request: { minimumAgeMs?: number }) {
      return await this.#held.task.scanOrphans(request);
    }

    async start(request: StartRequest) {
      return await this.#held.task.start(request);
    }

    async checkpointDetail(id: number) {
      return await this.#held.task.checkpointDetail(id);
    }

    async locateCheckpoint(id: number) {
      return await this.#held.task.locateCheckpoint(id);
    }

    async topology() {
      return await this.#held.task.topology();
    }

    async status() {
      return await this.#held.task.status();
    }

    async describeJob() {
      return await this.#held.task.describeJob();
    }

    async exceptions() {
      return await this.#held.task.exceptions();
    }

    async checkpointStatistics() {
      return await this.#held.task.checkpointStatistics();
    }

    async checkpointConfiguration() {
      return await this.#held.task.checkpointConfiguration();
    }

    async cost() {
      return await this.#held.task.cost();
    }
  };
}
