/**
 * What the three kinds of Durable Object have in common: learn from the name what to be, build the
 * context, make the task when it is first needed.
 *
 * Promise: starting reads one alarm and nothing else, so that an object is never reset for being slow
 * to start [23]; an object of an unknown job, or of one whose bucket is not bound, fails each call with
 * the reason.
 */
import type { JobGraph } from "../../dataflow/job-graph.ts";
import { parseObjectName } from "../names.ts";
import type { ObjectName } from "../names.ts";
import type { ObjectContext } from "../object-context.ts";
import type { WeirBindings } from "./bindings.ts";
import { MissingJobBucket } from "./bound-bucket.ts";
import { createDurableContext, DurableAlarm } from "./durable-context.ts";
import type { JobRegistry } from "./job-registry.ts";
import { workerEnvironment } from "./worker-environment.ts";

/** After this long the alarm of an object whose job has no bucket rings again. */
const bucketRetryMs = 600_000;

export interface HeldTaskOptions<Task> {
  readonly state: DurableObjectState;
  readonly bindings: WeirBindings;
  readonly jobs: JobRegistry;
  readonly create: (context: ObjectContext, job: JobGraph, name: ObjectName) => Task;
}

export class HeldTask<Task extends { alarm(): Promise<void> }> {
  readonly #options: HeldTaskOptions<Task>;
  #alarm: DurableAlarm | undefined;
  #task: Task | undefined;

  constructor(options: HeldTaskOptions<Task>) {
    this.#options = options;
    const { state } = options;
    void state.blockConcurrencyWhile(async () => {
      this.#alarm = new DurableAlarm(state.storage, await state.storage.getAlarm());
    });
  }

  get task(): Task {
    return (this.#task ??= this.#create());
  }

  async alarm(): Promise<void> {
    // The platform has taken the alarm that is running.
    this.#alarm!.changed(undefined);
    const task = this.#taskForAlarm();
    await task?.alarm();
  }

  /** The platform drops an alarm that fails six times: without its bucket a job is asked again much later. */
  #taskForAlarm(): Task | undefined {
    try {
      return this.task;
    } catch (error) {
      if (!(error instanceof MissingJobBucket)) throw error;
      // oxlint-disable-next-line no-console
      console.error(error.message);
      this.#alarm!.set(workerEnvironment.now() + bucketRetryMs);
      return undefined;
    }
  }

  #create(): Task {
    const { state, bindings, jobs, create } = this.#options;
    const name = parseObjectName(state.id.name);
    const job = jobs.get(name.job, bindings);
    const alarm = this.#alarm!;
    return create(createDurableContext({ state, bindings, job, alarm }), job, name);
  }
}
