/**
 * Stands before the operator of a partition and takes the dead letters of sources out of its channels:
 * they go to their output, in the barrier interval in which they came, and never to the operator [42].
 */
import { isDeadLetter, readDeadLetter } from "../../dataflow/dead-letter.ts";
import type { Emitter } from "../../dataflow/keyed/emitter.ts";
import type { AnswersTask, ClockTask, TaskTimes, TimedFrame, VertexTask } from "./vertex-task.ts";

const NO_BYTES = new Uint8Array(0);

export class DeadLetterTask implements VertexTask {
  readonly #task: VertexTask;
  readonly #output: string;
  readonly #emitter: Pick<Emitter, "append">;

  constructor(task: VertexTask, output: string, emitter: Pick<Emitter, "append">) {
    this.#task = task;
    this.#output = output;
    this.#emitter = emitter;
  }

  get times(): TaskTimes {
    return this.#task.times;
  }

  get time(): number {
    return this.#task.time;
  }

  get eventTime(): VertexTask["eventTime"] {
    return this.#task.eventTime;
  }

  get clock(): ClockTask | undefined {
    return this.#task.clock;
  }

  get answers(): AnswersTask | undefined {
    return this.#task.answers;
  }

  apply(channel: string, frame: TimedFrame): number | Promise<number> {
    if (!isDeadLetter(frame.bytes)) return this.#task.apply(channel, frame);
    this.#emitter.append(this.#output, readDeadLetter(frame.bytes));
    const applied = this.#task.apply(channel, { ...frame, bytes: NO_BYTES });
    return typeof applied === "number" ? 1 : applied.then(() => 1);
  }

  close(): void {
    this.#task.close();
  }
}
