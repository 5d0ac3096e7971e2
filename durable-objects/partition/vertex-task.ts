/**
 * The operator of a partition, as its channels see it: one of two ways to run, chosen by the vertex.
 * Counting is applied frame by frame without reading state; everything else record by record.
 */
import type { Emitter } from "../../dataflow/keyed/emitter.ts";
import { KeyedTask } from "../../dataflow/keyed/keyed-task.ts";
import { OperatorTask } from "../../dataflow/keyed/operator-task.ts";
import type { JobGraph, KeyedVertex } from "../../dataflow/job-graph.ts";
import { isFedEverywhere } from "../../dataflow/feeds/feed.ts";
import { restoredWatermark, storedWatermark } from "../../dataflow/time/timestamp.ts";
import type { AsyncRequest } from "../../dataflow/operators/keyed-operator.ts";
import type { ChannelWatermark } from "../../dataflow/time/watermark-valve.ts";
import type { StateEngine } from "../../state-engine/index.ts";
import type { PartitionState } from "../messages.ts";
import type { Attached } from "./attach.ts";
import { DeadLetterTask } from "./dead-letter-task.ts";

/** What came over a channel in order. Without bytes it only says what time it is. */
export interface TimedFrame {
  readonly bytes: Uint8Array;
  readonly arrivalTime: number;
  readonly watermark: number;
  readonly isIdle?: boolean;
}

/** What a checkpoint keeps of a task's times. */
export type TaskTimes = Pick<PartitionState, "time" | "watermark" | "watermarks">;

export type ClockTask = Pick<OperatorTask, "advanceClock" | "fetchMissing" | "nextClockTimer">;

export type AnswersTask = Pick<OperatorTask, "answered" | "applyAnswers" | "isWaiting">;

export interface VertexTask {
  readonly times: TaskTimes;
  /** The task's time [15]. */
  readonly time: number;
  /** Event time to pass on, and whether nobody holds it back [13, 28]. */
  readonly eventTime: { readonly watermark: number; readonly isIdle: boolean };
  /** Answers how many records came in, combined ones counted one by one. */
  apply(channel: string, frame: TimedFrame): number | Promise<number>;
  /** Processing-time timers; absent when there are none. */
  readonly clock?: ClockTask | undefined;
  /** Of an asynchronous operator; absent for any other. */
  readonly answers?: AnswersTask | undefined;
  /** Nothing that waits goes on after this. */
  close(): void;
}

export interface VertexTaskOptions {
  readonly job: Pick<JobGraph, "options" | "source">;
  readonly vertex: KeyedVertex;
  readonly engine: StateEngine;
  readonly attached: Pick<Attached, "keyGroups" | "restored">;
  /** Names of all input channels. */
  readonly channels: readonly string[];
  /** Those of them that come from keyed vertices. */
  readonly vertexChannels: ReadonlySet<string>;
  readonly emitter: Emitter;
  /** Runs a request of an asynchronous operator. */
  readonly startRequest: (request: AsyncRequest) => void;
}

export function createVertexTask(options: VertexTaskOptions): VertexTask {
  const { deadLetter } = options.job.options;
  const task = createOperator(options);
  return deadLetter === null ? task : new DeadLetterTask(task, deadLetter.output, options.emitter);
}

function createOperator(options: VertexTaskOptions): VertexTask {
  const { operator } = options.vertex;
  return operator.kind === "count"
    ? new CountingTask(options)
    : new RecordsTask({ ...options, definition: operator.definition });
}

const NO_EVENT_TIME = { watermark: -Infinity, isIdle: true };

class CountingTask implements VertexTask {
  readonly #task: KeyedTask;

  constructor({ job, vertex, engine, attached }: VertexTaskOptions) {
    const { maxParallelism } = job.options;
    const { keyGroups, restored } = attached;
    this.#task = new KeyedTask({ vertex, engine, keyGroups, maxParallelism, time: restored.time });
  }

  /** Counts know no event time. */
  get times(): TaskTimes {
    return { time: this.#task.time, watermarks: {} };
  }

  get time(): number {
    return this.#task.time;
  }

  get eventTime(): VertexTask["eventTime"] {
    return NO_EVENT_TIME;
  }

  apply(_channel: string, { bytes, arrivalTime }: TimedFrame): number | Promise<number> {
    return bytes.length === 0 ? 0 : this.#task.apply(bytes, arrivalTime);
  }

  close(): void {}
}

class RecordsTask implements VertexTask {
  readonly clock: OperatorTask;
  readonly #isAsynchronous: boolean;

  constructor(
    options: VertexTaskOptions & Pick<ConstructorParameters<typeof OperatorTask>[0], "definition">,
  ) {
    const { keyGroups, restored } = options.attached;
    const { vertexChannels } = options;
    const awaitedChannels = isFedEverywhere(options.job)
      ? new Set(options.channels)
      : vertexChannels;
    this.#isAsynchronous = options.definition.asynchronous !== undefined;
    const linesOnly = options.channels.filter((channel) => !vertexChannels.has(channel));
    const channels = options.channels.map((channel) => {
      const watermark = restored.watermarks[channel];
      // A channel that carries nothing, or carried nothing for long, holds nobody back [28]. But a keyed
      // vertex, or a source with a feed, always says what time it is, or that it has nothing: until it
      // has, its records may be older than those of others.
      const isAwaited = restored.watermark === undefined && awaitedChannels.has(channel);
      const isIdle = watermark === undefined && !isAwaited;
      return [channel, { watermark: restoredWatermark(watermark ?? -Infinity), isIdle }] as const;
    });
    this.clock = new OperatorTask({
      ...options,
      keyGroups,
      maxParallelism: options.job.options.maxParallelism,
      channelsOfLines: new Set(linesOnly),
      deadLetters: options.job.options.deadLetter?.output,
      restored: {
        time: restored.time,
        watermark: restoredWatermark(restored.watermark ?? -Infinity),
        channels,
      },
    });
  }

  get answers(): AnswersTask | undefined {
    return this.#isAsynchronous ? this.clock : undefined;
  }

  get times(): TaskTimes {
    const { time, watermark, channels } = this.clock;
    return {
      time,
      watermarks: Object.fromEntries(channels.filter(isActive).map(watermarkOf)),
      ...(watermark !== -Infinity && { watermark: storedWatermark(watermark) }),
    };
  }

  get time(): number {
    return this.clock.time;
  }

  get eventTime(): VertexTask["eventTime"] {
    return { watermark: this.clock.outputWatermark, isIdle: this.clock.isIdle };
  }

  apply(channel: string, frame: TimedFrame): number | Promise<number> {
    if (frame.isIdle === false && frame.watermark === -Infinity) this.clock.markActive(channel);
    const applied =
      frame.bytes.length > 0
        ? this.clock.apply(channel, frame)
        : after(this.clock.advance(channel, frame.watermark), 0);
    if (frame.isIdle !== true) return applied;
    return typeof applied === "number"
      ? after(this.clock.markIdle(channel), applied)
      : applied.then((records) => after(this.clock.markIdle(channel), records));
  }

  close(): void {
    this.clock.close();
  }
}

function after<Value>(done: void | Promise<void>, value: Value): Value | Promise<Value> {
  return done === undefined ? value : done.then(() => value);
}

type Channel = readonly [string, ChannelWatermark];

function isActive([, { watermark, isIdle }]: Channel): boolean {
  return !isIdle && watermark !== -Infinity;
}

function watermarkOf([name, { watermark }]: Channel): [string, number] {
  return [name, storedWatermark(watermark)];
}
