/**
 * A Source as a Durable Object: one replayable log of a job, named `job/source/index`.
 * All decisions are SourceTask's; this file only connects it to the platform.
 */
import { DurableObject } from "cloudflare:workers";
import type {
  AppendMessagesRequest,
  AppendRequest,
  CheckpointCompleted,
  CheckpointTrigger,
  JobStatus,
  RewindRequest,
  SourceCalls,
} from "./messages.ts";
import { SourceTask } from "./source/source.ts";
import type { WeirBindings } from "./platform/bindings.ts";
import { HeldTask } from "./platform/held-task.ts";
import type { JobRegistry } from "./platform/job-registry.ts";
import type { ObjectClass } from "./platform/object-class.ts";
import { createWorkerInputs } from "./platform/worker-inputs.ts";

/** The class to export as `Source` from a Worker with these jobs. */
export function sourceObject(jobs: JobRegistry): ObjectClass {
  return class Source extends DurableObject<WeirBindings> implements SourceCalls {
    readonly #held: HeldTask<SourceTask>;

    constructor(state: DurableObjectState, bindings: WeirBindings) {
      super(state, bindings);
      this.#held = new HeldTask({
        state,
        bindings,
        jobs,
        create: (context, job, name) =>
          new SourceTask(context, job, name.index, createWorkerInputs(bindings)),
      });
    }

    override alarm() {
      return this.#held.alarm();
    }

    async append(request: AppendRequest) {
      return await this.#held.task.append(request);
    }

    async appendMessages(request: AppendMessagesRequest) {
      return await this.#held.task.appendMessages(request);
    }

    async rewind(request: RewindRequest) {
      return await this.#held.task.rewind(request);
    }

    async triggerCheckpoint(request: CheckpointTrigger) {
      return await this.#held.task.triggerCheckpoint(request);
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

    async awaitProcessed(request: { line: number; timeoutMs: number }) {
      return await this.#held.task.awaitProcessed(request);
    }
  };
}
