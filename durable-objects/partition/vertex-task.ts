/**
 * The operator of a partition, as its channels see it: one of two ways to run, chosen by the vertex.
 * Counting is applied frame by frame without reading state; everything else record by record.
 */
import type { Emitter } from "../../dataflow/keyed/emitter.ts";
import { KeyedTask } from "../../dataflow/keyed/keyed-task.ts";
import { OperatorTask } from "../../dataflow/keyed/operator-task.ts";
import type { KeyedVertex } from "../../dataflow/job-graph.ts";
import type { ChannelWatermark } from "../../dataflow/time/watermark-valve.ts";
import type { StateEngine } from "../../state-engine/index.ts";
import type { PartitionState, SourceFrame } from "../messages.ts";
import type { Attached } from "./attach.ts";

/** What a checkpoint keeps of a task's times. */
export type TaskTimes = Pick<PartitionState, "time" | "watermark" | "watermarks">;

export interface VertexTask {
  readonly times: TaskTimes;
  /** Answers how many records came in, combined ones counted one by one. */
  apply(frame: SourceFrame): number | Promise<number>;
  /** A watermark came over the channel of `source` in order. */
  advance(source: number, watermark: number): void | Promise<void>;
  /** Processing-time timers; absent when there are none. */
  readonly clock?: Pick<OperatorTask, "advanceClock" | "fetchMissing" | "nextClockTimer">;
  /** Nothing that waits goes on after this. */
  close(): void;
}

export interface VertexTaskOptions {
  readonly vertex: KeyedVertex;
  readonly engine: StateEngine;
  readonly maxParallelism: number;
  readonly attached: Pick<Attached, "keyGroups" | "restored" | "sources">;
  readonly emitter: Emitter;
}

export function createVertexTask(options: VertexTaskOptions): VertexTask {
  const { operator } = options.vertex;
  return operator.kind === "count"
    ? new CountingTask(options)
    : new RecordsTask({ ...options, definition: operator.definition });
}

class CountingTask implements VertexTask {
  readonly #task: KeyedTask;

  constructor({ vertex, engine, maxParallelism, attached }: VertexTaskOptions) {
    const { keyGroups, restored } = attached;
    this.#task = new KeyedTask({ vertex, engine, keyGroups, maxParallelism, time: restored.time });
  }

  /** Counts know no event time. */
  get times(): TaskTimes {
    return { time: this.#task.time, watermarks: {} };
  }

  apply({ bytes, arrivalTime }: SourceFrame): number {
    return this.#task.apply(bytes, arrivalTime);
  }

  advance(): void {}

  close(): void {}
}

class RecordsTask implements VertexTask {
  readonly clock: OperatorTask;

  constructor(
    options: VertexTaskOptions & Pick<ConstructorParameters<typeof OperatorTask>[0], "definition">,
  ) {
    const { attached } = options;
    const { keyGroups, restored, sources } = attached;
    const channels = sources.map(({ source }) => {
      const watermark = restored.watermarks[source];
      // A channel that carries nothing, or carried nothing for long, holds nobody back [28].
      const isIdle = watermark === undefined;
      return [String(source), { watermark: watermark ?? -Infinity, isIdle }] as const;
    });
    this.clock = new OperatorTask({
      ...options,
      keyGroups,
      restored: {
        time: restored.time,
        watermark: restored.watermark ?? -Infinity,
        channels,
      },
    });
  }

  get times(): TaskTimes {
    const { time, watermark, channels } = this.clock;
    return {
      time,
      watermarks: Object.fromEntries(channels.filter(isActive).map(watermarkOf)),
      ...(watermark !== -Infinity && { watermark }),
    };
  }

  apply(frame: SourceFrame): number | Promise<number> {
    const channel = String(frame.source);
    if (frame.isIdle !== true) return this.clock.apply(channel, frame);
    const done = this.clock.markIdle(channel);
    return done === undefined ? 0 : done.then(() => 0);
  }

  advance(source: number, watermark: number): void | Promise<void> {
    return this.clock.advance(String(source), watermark);
  }

  close(): void {
    this.clock.close();
  }
}

type Channel = readonly [string, ChannelWatermark];

function isActive([, { watermark, isIdle }]: Channel): boolean {
  return !isIdle && watermark !== -Infinity;
}

function watermarkOf([source, { watermark }]: Channel): [string, number] {
  return [source, watermark];
}
