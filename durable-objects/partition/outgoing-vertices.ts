/**
 * Everything a partition sends to the keyed vertices behind its own: encodes the records of its
 * edges, cuts them into frames, and holds the channels to all partitions of those vertices.
 *
 * Promise: a barrier stands behind exactly what was emitted before the state was frozen, on every
 * channel; frames that wait for a receiver are bounded, because the partition takes no more input
 * while they are above the bound (but for what one frame of input makes of itself). Barriers and marks
 * wait for nobody [30]. Nothing is opened before there is something to say, so an idle partition wakes
 * nobody.
 */
import { inFlightBytes, type InFlightFrame } from "../../dataflow/in-flight-frames.ts";
import { Partitioner } from "../../dataflow/partitioner.ts";
import { verticesFedBy } from "../../dataflow/edges.ts";
import type { Edge, JobGraph } from "../../dataflow/job-graph.ts";
import { RecordPartitioner } from "../../dataflow/record-partitioner.ts";
import { restoredWatermark } from "../../dataflow/time/timestamp.ts";
import type { TaskId } from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import type { VertexPosition, VertexRewind } from "../vertex-messages.ts";
import type { Attached } from "./attach.ts";
import {
  OutgoingChannel,
  type ChannelMark,
  type OutgoingBarrier,
  type OutgoingHost,
} from "./outgoing-channel.ts";
import { outgoingBound } from "./channel-credit.ts";
import { OutgoingSessions } from "./outgoing-sessions.ts";

export interface OutgoingOptions {
  readonly context: ObjectContext;
  readonly job: JobGraph;
  readonly task: TaskId;
  readonly attached: Attached;
  readonly countRequest: () => void;
  /** This attempt must be dropped, by nobody's fault. */
  readonly overtaken: (generation: number) => void;
  /** A receiver lacks what is not kept any more: the job must go back to the last checkpoint [6]. */
  readonly rollback: (reason: string) => void;
}

/** A fed vertex: takes records, hands out frames, by partition. */
interface Target {
  readonly uid: string;
  readonly channels: readonly OutgoingChannel[];
  readonly partitioner: Pick<Partitioner, "drain">;
  give(edge: Edge, record: unknown): void;
  /** Batches since its records were last made frames of. */
  gathered: number;
}

interface Leaving {
  readonly checkpoint: number;
  overtaken: readonly InFlightFrame[];
  readonly resolve: (overtaken: readonly InFlightFrame[]) => void;
}

/** While all receivers are busy, records of this many batches gather: fewer and larger frames. */
const MOST_GATHERED = 8;

export class OutgoingVertices implements OutgoingHost {
  readonly sender: TaskId;
  readonly generation: number;
  readonly #options: OutgoingOptions;
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #channels: readonly OutgoingChannel[];
  readonly #sessions: OutgoingSessions;
  /** Of the record at hand. There is no line behind a keyed operator. */
  readonly #origin = {
    timestamp: undefined as number | undefined,
    watermark: -Infinity,
    arrivalTime: 0,
    line: 0,
  };
  #mark: ChannelMark;
  /** The newest barrier, until it has left on every channel. */
  #leaving: Leaving | undefined;
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #isClosed = false;

  constructor(options: OutgoingOptions) {
    const { attached, job, task } = options;
    this.#options = options;
    this.sender = task;
    this.generation = attached.generation;
    this.#mark = {
      watermark: firstWatermark(job, options),
      isIdle: false,
      hasCaughtUp: false,
    };
    this.#origin.watermark = this.#mark.watermark;
    const targets = verticesFedBy(job, task.vertex).map((uid) => this.#target(uid));
    this.#targets = new Map(targets.map((target) => [target.uid, target]));
    this.#channels = targets.flatMap(({ channels }) => channels);
    this.#sessions = new OutgoingSessions(this, options, this.#channels.length);
  }

  /** A record for another vertex, emitted at the task's time `arrivalTime`. */
  forward(edge: Edge, record: unknown, timestamp: number | undefined, arrivalTime: number): void {
    this.#origin.timestamp = timestamp;
    this.#origin.arrivalTime = arrivalTime;
    this.#targets.get(edge.vertex)!.give(edge, record);
  }

  hasFramesBehind(checkpoint: number): boolean {
    return this.#channels.some((channel) => channel.hasFramesBehind(checkpoint));
  }

  /** Undefined when another frame may be applied; else a promise of it. */
  room(): Promise<void> | undefined {
    if (this.#hasRoom()) return undefined;
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** A frame or watermark has been applied wholly: what it emitted may leave, and time is `mark`'s. */
  endBatch(mark: ChannelMark): void {
    if (this.#channels.length === 0) return;
    this.#mark = mark;
    this.#origin.watermark = Math.max(this.#origin.watermark, mark.watermark);
    for (const target of this.#targets.values()) {
      target.gathered++;
      this.#send(target);
    }
  }

  /**
   * The state was frozen at this moment [24]. With an alignment timeout, and unless it has left on every
   * channel at once, answers what it overtakes until it has.
   */
  barrier(barrier: OutgoingBarrier): Promise<readonly InFlightFrame[]> | undefined {
    for (const { partitioner } of this.#targets.values()) partitioner.drain();
    const { alignmentTimeoutMs, checkpoint } = barrier;
    const { promise, resolve } = Promise.withResolvers<readonly InFlightFrame[]>();
    this.#endLeaving();
    this.#leaving = { checkpoint, resolve, overtaken: [] };
    for (const channel of this.#channels) channel.addBarrier(barrier, this.#mark);
    for (const channel of this.#channels) channel.flush();
    this.barrierLeft();
    return alignmentTimeoutMs === undefined || this.#leaving === undefined ? undefined : promise;
  }

  /** The barrier of `checkpoint` overtakes what waits for credit before it, unless that is too much. */
  overtake(checkpoint: number, limitBytes: number): void {
    const leaving = this.#leaving;
    if (leaving?.checkpoint !== checkpoint) return;
    const frames = this.#channels.flatMap((channel) => {
      const { index, vertex } = channel.receiver;
      return channel.before(checkpoint).map(({ arrivalTime, bytes, mark }): InFlightFrame => {
        const { isIdle, watermark } = mark;
        const common = { direction: "out", channel: `${vertex}/${index}` } as const;
        return { ...common, bytes, arrivalTime, watermark, isIdle };
      });
    });
    if (inFlightBytes(frames) > limitBytes) return;
    leaving.overtaken = frames;
    for (const channel of this.#channels) {
      channel.overtake(checkpoint);
      channel.flush();
    }
    // Where it cannot leave yet because a receiver is away, nothing it leaves behind belongs to the checkpoint.
    this.#endLeaving();
  }

  /** Frames that a checkpoint holds: before anything else is sent. */
  restore(frames: readonly InFlightFrame[]): void {
    for (const { arrivalTime, bytes, channel: name, isIdle, watermark } of frames) {
      const channel = this.#channels.find(
        ({ receiver: { vertex, index } }) => `${vertex}/${index}` === name,
      );
      if (channel === undefined) {
        throw new Error(
          `The checkpoint holds frames for ${name}, which ${this.sender.vertex} does not feed: ` +
            `the job graph has changed. Start from an aligned checkpoint.`,
        );
      }
      channel.addFrame(bytes, arrivalTime, { watermark, isIdle, hasCaughtUp: false });
    }
    for (const channel of this.#channels) if (!channel.isQuiet) channel.flush();
  }

  /**
   * Resolves when every receiver has been asked where it stands in this attempt. Before that an
   * acknowledgement might count a barrier that an earlier attempt had passed on elsewhere [3].
   */
  get allOpened(): Promise<void> {
    return this.#sessions.allOpened;
  }

  /** These checkpoints are given up. */
  abort(checkpoint: number): void {
    if (this.#leaving !== undefined && this.#leaving.checkpoint <= checkpoint) this.#endLeaving();
    for (const channel of this.#channels) channel.decide(checkpoint);
    this.#sessions.decide(checkpoint);
  }

  complete(checkpoint: number): void {
    for (const channel of this.#channels) channel.complete(checkpoint);
    this.#sessions.decide(checkpoint);
  }

  /** A receiver has restored. */
  rewind({ receiver, attempt }: VertexRewind): void {
    const channel = this.#channels.find((one) => one.is(receiver));
    if (channel === undefined || channel.attempt === attempt) return;
    this.#sessions.open(channel);
  }

  close(): void {
    this.#isClosed = true;
    this.#endLeaving();
    this.#sessions.close();
    for (const channel of this.#channels) channel.close();
    this.#room?.resolve();
  }

  // ------------------------------------------------------------ of the channels

  keepAlive(work: Promise<void>): void {
    this.#options.context.keepAlive(work);
  }

  countRequest(): void {
    this.#options.countRequest();
  }

  needsOpening(channel: OutgoingChannel, delayMs: number | undefined): void {
    this.#sessions.want(channel, delayMs);
  }

  barrierLeft(): void {
    const leaving = this.#leaving;
    if (leaving === undefined) return;
    const { checkpoint } = leaving;
    if (this.#channels.every((channel) => channel.before(checkpoint).length === 0)) {
      this.#endLeaving();
    }
  }

  progressed(channel: OutgoingChannel): void {
    if (this.#isClosed) return;
    this.#send(this.#targets.get(channel.receiver.vertex)!);
    if (this.#room === undefined || !this.#hasRoom()) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  cannotServe({ receiver }: OutgoingChannel, { barrier, index }: VertexPosition): void {
    const { vertex, index: number } = this.sender;
    this.#options.rollback(
      `${receiver.vertex}/${receiver.index} stands ${index} frames behind barrier ${barrier} of ` +
        `${vertex}/${number}, which does not keep the following ones any more.`,
    );
  }

  overtaken(generation: number): void {
    this.#options.overtaken(generation);
  }

  #endLeaving(): void {
    this.#leaving?.resolve(this.#leaving.overtaken);
    this.#leaving = undefined;
  }

  #hasRoom(): boolean {
    const bytes = this.#channels.reduce((sum, channel) => sum + channel.bytesKept, 0);
    return bytes <= outgoingBound(this.#options.context.environment.memory);
  }

  #send(target: Target): void {
    const { channels, partitioner } = target;
    if (target.gathered < MOST_GATHERED && !channels.some(({ isQuiet }) => isQuiet)) return;
    target.gathered = 0;
    partitioner.drain();
    for (const channel of channels) {
      channel.setMark(this.#mark);
      channel.flush();
    }
  }

  #target(uid: string): Target {
    const { job, attached } = this.#options;
    const vertex = job.vertices.find((one) => one.uid === uid)!;
    const parallelism = attached.parallelism[uid]!;
    const channels = Array.from(
      { length: parallelism },
      (_, index) => new OutgoingChannel(this, { vertex: uid, index }, attached.checkpoint),
    );
    const shape = {
      vertex,
      parallelism,
      maxParallelism: job.options.maxParallelism,
      onFrame: (index: number, frame: Uint8Array) =>
        channels[index]!.addFrame(frame, this.#origin.arrivalTime, this.#mark),
    };
    if (vertex.operator.kind === "count") {
      const partitioner = new Partitioner(shape);
      const give = (_edge: Edge, record: unknown) => partitioner.add(record);
      return { uid, channels, partitioner, give, gathered: 0 };
    }
    const partitioner = new RecordPartitioner(shape);
    const give = (edge: Edge, record: unknown) => partitioner.add(edge, record, this.#origin);
    return { uid, channels, partitioner, give, gathered: 0 };
  }
}

/**
 * What may be said of event time before anything was applied: what the operator had reached, unless
 * records may wait for results, which hold it back [14].
 */
function firstWatermark(
  { vertices }: JobGraph,
  { task, attached }: Pick<OutgoingOptions, "attached" | "task">,
): number {
  const operator = vertices.find(({ uid }) => uid === task.vertex)?.operator;
  const isAsynchronous =
    operator?.kind === "operator" && operator.definition.asynchronous !== undefined;
  return isAsynchronous ? -Infinity : restoredWatermark(attached.restored.watermark ?? -Infinity);
}
