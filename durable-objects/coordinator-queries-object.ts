/**
 * The questions to a coordinator, as methods of its Durable Object: coordinator-queries.ts over RPC.
 */
import { DurableObject } from "cloudflare:workers";
import type { JobGraph } from "../dataflow/job-graph.ts";
import type {
  CoordinatorQueries,
  OutputRequest,
  StartRequest,
  StopRequest,
} from "./coordinator-queries.ts";
import { JobCoordinator } from "./coordinator/coordinator.ts";
import type { ObjectContext } from "./object-context.ts";
import type { WeirBindings } from "./platform/bindings.ts";
import { HeldTask } from "./platform/held-task.ts";
import type { JobRegistry } from "./platform/job-registry.ts";
import type { ObjectClass } from "./platform/object-class.ts";
import { PlatformWorld } from "./platform/platform-world.ts";
import { createSinks } from "./sinks/create-sinks.ts";

interface AnsweringMembers extends CoordinatorQueries {
  /** Own properties of an object cannot be reached over RPC. */
  readonly held: HeldTask<JobCoordinator>;
}

/** What the class of coordinator-object.ts extends. */
export function coordinatorQueriesObject(jobs: JobRegistry): ObjectClass<AnsweringMembers> {
  return class AnsweringObject extends DurableObject<WeirBindings> implements CoordinatorQueries {
    readonly held: HeldTask<JobCoordinator>;

    constructor(state: DurableObjectState, bindings: WeirBindings) {
      super(state, bindings);
      this.held = new HeldTask({ state, bindings, jobs, create: creatorOf(bindings, jobs) });
    }

    override alarm() {
      return this.held.alarm();
    }

    async requestCheckpoint(request: Parameters<CoordinatorQueries["requestCheckpoint"]>[0]) {
      return await this.held.task.requestCheckpoint(request);
    }

    async checkpointSubtasks(request: { id: number; vertex: string }) {
      return await this.held.task.checkpointSubtasks(request);
    }

    async stop(request: StopRequest) {
      return await this.held.task.stop(request);
    }

    async readOutput(request: OutputRequest) {
      return await this.held.task.readOutput(request);
    }

    async latestCheckpoint() {
      return await this.held.task.latestCheckpoint();
    }

    async awaitCommits(request: { after: number; waitMs: number }) {
      return await this.held.task.awaitCommits(request);
    }

    async scanOrphans(request: { minimumAgeMs?: number }) {
      return await this.held.task.scanOrphans(request);
    }

    async start(request: StartRequest) {
      return await this.held.task.start(request);
    }

    async checkpointDetail(id: number) {
      return await this.held.task.checkpointDetail(id);
    }

    async locateCheckpoint(id: number) {
      return await this.held.task.locateCheckpoint(id);
    }

    async topology() {
      return await this.held.task.topology();
    }

    async status() {
      return await this.held.task.status();
    }

    async describeJob() {
      return await this.held.task.describeJob();
    }

    async exceptions() {
      return await this.held.task.exceptions();
    }

    async checkpointStatistics() {
      return await this.held.task.checkpointStatistics();
    }

    async checkpointConfiguration() {
      return await this.held.task.checkpointConfiguration();
    }

    async cost() {
      return await this.held.task.cost();
    }
  };
}

function creatorOf(bindings: WeirBindings, jobs: JobRegistry) {
  const world = new PlatformWorld(bindings, jobs);
  return (context: ObjectContext, job: JobGraph) => {
    const { blobStore, environment } = context;
    return new JobCoordinator(context, job, createSinks(job, { world, blobStore, environment }));
  };
}
