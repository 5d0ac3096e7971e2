/**
 * Lets the outcomes of requests into the apply loop, and sees to it that a partition which sleeps with
 * waiting records in its checkpoint wakes up to ask for them again: nobody else would wake it [14].
 *
 * Promise: an outcome that has come gets a turn as soon as no frame and no barrier can take one, if none
 * of them has applied it before. From the moment a checkpoint takes waiting records until a later one
 * without any is completed, the object's alarm is set.
 */
import type { KeyedVertex } from "../../dataflow/job-graph.ts";
import type {
  AsynchronousCalls,
  AsyncRequest,
  RequestOutcome,
} from "../../dataflow/operators/keyed-operator.ts";
import type { ObjectContext } from "../object-context.ts";
import { AsyncRequests } from "./async-requests.ts";
import type { Attached } from "./attach.ts";
import type { SharedAlarm } from "./shared-alarm.ts";
import type { AnswersTask } from "./vertex-task.ts";

/** Longer than most requests take; should memory be lost, they are asked again after this. */
const ASK_AGAIN_MS = 30_000;

export interface AsyncPartition {
  readonly context: Pick<ObjectContext, "environment" | "keepAlive" | "setTimer">;
  readonly vertex: KeyedVertex;
  readonly attached: Pick<Attached, "checkpoint">;
}

export interface AsyncTurnsHost {
  /** Runs `work` when no frame or barrier can take its turn, and nothing beside it. */
  readonly run: (work: () => void | Promise<void>) => void;
  /** The partition has changed without input. `isUrgent`: it would ask the same again after a loss of memory. */
  readonly changed: (change: { readonly isUrgent: boolean }) => void;
  readonly alarm: SharedAlarm;
}

export class AsyncTurns {
  readonly #partition: AsyncPartition;
  readonly #task: AnswersTask;
  readonly #host: AsyncTurnsHost;
  readonly #requests: AsyncRequests;
  #isScheduled = false;
  /** What waited in the restored checkpoint is known. */
  #hasBegun = false;
  /** The newest checkpoint that may hold waiting records; undefined when none does. */
  #lastWaiting: number | undefined;

  /** Undefined for an operator that is not asynchronous. */
  static of(
    partition: AsyncPartition,
    task: AnswersTask | undefined,
    host: AsyncTurnsHost,
  ): AsyncTurns | undefined {
    const { operator } = partition.vertex;
    const calls = operator.kind === "count" ? undefined : operator.definition.asynchronous;
    return calls && task && new AsyncTurns(partition, task, host, calls);
  }

  private constructor(
    partition: AsyncPartition,
    task: AnswersTask,
    host: AsyncTurnsHost,
    calls: AsynchronousCalls,
  ) {
    this.#partition = partition;
    this.#task = task;
    this.#host = host;
    const answered = (request: AsyncRequest, outcome: RequestOutcome): void => {
      task.answered(request, outcome);
      // As long as the last checkpoint holds records that wait, they are asked for again and again.
      const isUrgent = (): boolean => this.#lastWaiting !== undefined && !task.isWaiting;
      this.#schedule(() => host.changed({ isUrgent: isUrgent() }));
    };
    this.#requests = new AsyncRequests({ ...partition, calls, answered });
    host.alarm.share(() => !this.#hasBegun || this.#lastWaiting !== undefined);
  }

  /** What waited in the restored checkpoint is found, and asked for again, in the first turn. */
  begin(): void {
    this.#schedule(() => {
      this.#hasBegun = true;
      this.aligned(this.#partition.attached.checkpoint);
      this.#host.alarm.release();
    });
  }

  start(request: AsyncRequest): void {
    this.#requests.start(request);
  }

  close(): void {
    this.#requests.close();
  }

  /** The state of this moment is the checkpoint's. */
  aligned(checkpoint: number): void {
    if (!this.#task.isWaiting) return;
    this.#lastWaiting = Math.max(checkpoint, this.#lastWaiting ?? 0);
    this.#ensureAlarm();
  }

  completed(checkpoint: number): void {
    if (this.#lastWaiting === undefined || checkpoint <= this.#lastWaiting) return;
    this.#lastWaiting = undefined;
    this.#host.alarm.release();
  }

  alarm(): void {
    if (this.#lastWaiting !== undefined) this.#ensureAlarm();
  }

  #ensureAlarm(): void {
    this.#host.alarm.ensureIn(ASK_AGAIN_MS);
  }

  #schedule(done: () => void): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#host.run(async () => {
      this.#isScheduled = false;
      await this.#task.applyAnswers();
      done();
    });
  }
}
