/**
 * Moves lines from the log to the channels, in one generation of the job. Everything it knows is in
 * memory and is learned anew from the receivers when lost: nothing is sent before each of them has
 * said where it stands [1].
 *
 * Promise: every record reaches its channel in order and once, measured by the receiver's position;
 * a pending barrier stands at its line in every channel. A pump that is stopped sends nothing more.
 */
import { verticesFedByLog } from "../../dataflow/edges.ts";
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { GivenUpLine } from "../given-up-line.ts";
import type { ChannelState, PartitionCalls, Position, TaskId } from "../messages.ts";
import type { ObjectContext, Timer } from "../object-context.ts";
import { OutgoingChannel } from "./channel.ts";
import type { ChannelHost } from "./channel.ts";
import { createLineCutter, type LineCutter } from "./line-cutter.ts";
import type { Segment, SourceLog } from "./log.ts";
import type { OperationCounter } from "./operations.ts";
import { planBatch } from "./plan-batch.ts";
import type { BatchPlan } from "./plan-batch.ts";
import { comparePositions, furtherPosition, lineStart } from "./position.ts";
import { readStanding } from "./standing.ts";
import type { PendingCheckpoint } from "./standing.ts";
import { WatermarkPositions } from "./watermark-positions.ts";

/** What happens in a pump that its source must act on. */
export interface PumpEvents {
  /** Channels moved, or were lost. */
  progressed(): void;
  /** The work of this invocation is used up: an alarm must go on [32]. */
  sliceUsedUp(): void;
  staleGeneration(generation: number): void;
  /** The pump has stopped: a function of the job threw, or the log does not hold what is needed. */
  failed(error: unknown): void;
}

export interface PumpOptions {
  readonly context: ObjectContext;
  readonly job: JobGraph;
  readonly log: SourceLog;
  readonly operations: OperationCounter;
  readonly source: number;
  readonly generation: number;
  readonly parallelism: Readonly<Record<string, number>>;
  /** The line of the checkpoint this generation stands on. */
  readonly startLine: number;
  /** State of the watermark generators there [13]. */
  readonly startWatermark: string | null;
  /** Lines this generation leaves out, in order [42]. */
  readonly givenUp: readonly GivenUpLine[];
  /** The furthest any channel was ever cut, as far as anyone can tell [20]. */
  readonly furthest: Position;
  readonly events: PumpEvents;
}

const batchBytes = 1024 * 1024;
const sliceBytes = 16 * 1024 * 1024;
const maxLeadBytes = 64 * 1024 * 1024;
const firstBackoffMs = 50;
const maxBackoffMs = 2_000;

export class Pump implements ChannelHost {
  readonly source: number;
  readonly generation: number;
  readonly #context: ObjectContext;
  readonly #log: SourceLog;
  readonly #operations: OperationCounter;
  readonly #events: PumpEvents;
  readonly #cutter: LineCutter;
  /** Absent for a job without watermarks. */
  readonly #positions: WatermarkPositions | undefined;
  readonly #channels: readonly OutgoingChannel[];
  readonly #opening = new Map<OutgoingChannel, object>();
  readonly #backoffMs = new Map<OutgoingChannel, number>();
  #pending: PendingCheckpoint | null = null;
  #sliceLeft = sliceBytes;
  #hasSaidUsedUp = false;
  /** The end of the log at which this source fell silent. */
  #silentAt: number | undefined;
  #isStopped = false;
  #hurry: Timer | undefined;

  constructor(options: PumpOptions) {
    this.source = options.source;
    this.generation = options.generation;
    this.#context = options.context;
    this.#log = options.log;
    this.#operations = options.operations;
    this.#events = options.events;
    const { job } = options;
    const positions = new WatermarkPositions(job.source.watermarks);
    positions.pin(options.startLine, options.startWatermark);
    this.#positions = job.source.watermarks.length > 0 ? positions : undefined;
    this.#cutter = createLineCutter({ ...options, positions });
    const start = lineStart(options.startLine);
    this.#channels = verticesFedByLog(options.job).flatMap((vertex) =>
      Array.from(
        { length: options.parallelism[vertex]! },
        (_, index) => new OutgoingChannel(this, { vertex, index }, start, options.furthest),
      ),
    );
  }

  /** Whether every receiver has said where it stands since this pump began. */
  get isReady(): boolean {
    return !this.#isStopped && this.#channels.every((channel) => channel.isKnown);
  }

  /**
   * The furthest point any receiver may stand at or come to. Frames of an earlier pump move none of
   * them any more, however late they arrive.
   */
  get reach(): Position {
    return this.#channels.map((channel) => channel.reach).reduce(furtherPosition, lineStart(0));
  }

  /** Lines before this one are cut for every channel. */
  get processedLine(): number {
    return Math.min(...this.#channels.map((channel) => channel.cut.line));
  }

  /** Lines before this one are known to be applied by every receiver, or to hold nothing for it. */
  get deliveredLine(): number {
    return Math.min(...this.#channels.map((channel) => channel.delivered.line));
  }

  get furthestEver(): Position {
    return this.#channels.map((channel) => channel.furthest).reduce(furtherPosition, lineStart(0));
  }

  start(pending: PendingCheckpoint | null): void {
    this.#pending = pending;
    this.#hurryAfterTimeout();
    if (pending !== null) this.#positions?.pin(pending.offset, pending.watermark);
    for (const channel of this.#channels) this.#open(channel);
  }

  stop(): void {
    this.#isStopped = true;
    this.#hurry?.cancel();
    this.#opening.clear();
    for (const channel of this.#channels) channel.close();
  }

  /** A new invocation of the object has begun: its work is bounded anew [32]. */
  refillSlice(): void {
    this.#sliceLeft = sliceBytes;
    this.#hasSaidUsedUp = false;
  }

  setPending(pending: PendingCheckpoint | null): void {
    if (this.#pending !== null && pending?.checkpoint !== this.#pending.checkpoint) {
      for (const channel of this.#channels) channel.dropBarrier(this.#pending.checkpoint);
    }
    const isNew = this.#pending?.checkpoint !== pending?.checkpoint;
    this.#pending = pending;
    if (isNew) this.#hurryAfterTimeout();
  }

  /** A barrier that may overtake under back-pressure does not wait for credit longer than its timeout. */
  #hurryAfterTimeout(): void {
    this.#hurry?.cancel();
    this.#hurry = undefined;
    const { checkpoint, alignmentTimeoutMs } = this.#pending ?? {};
    if (checkpoint === undefined || alignmentTimeoutMs === undefined) return;
    const hurry = (): void => {
      for (const channel of this.#channels) channel.hurry(checkpoint);
    };
    if (alignmentTimeoutMs === 0) return hurry();
    this.#hurry = this.#context.setTimer(alignmentTimeoutMs, hurry);
  }

  /** The state of the watermark generators at `line`, which is kept from now on; null when there are none. */
  watermarkAt(line: number): string | null {
    const positions = this.#positions;
    if (positions === undefined) return null;
    this.#reachWatermark(line);
    const state = positions.stateAt(line);
    positions.pin(line, state);
    return state;
  }

  /** A checkpoint completed with this source at `line`: no channel goes back behind it. */
  completed(line: number): void {
    if (this.#positions === undefined || line > this.reach.line) return;
    this.watermarkAt(line);
    this.#positions.forgetBefore(line);
  }

  /** A partition has restored in this attempt. Undefined when the call is of an older one. */
  rewind(task: TaskId, attempt: number): Position | undefined {
    const channel = this.#channels.find((one) => one.is(task));
    if (channel === undefined || attempt < channel.attempt) return undefined;
    const { furthest } = channel;
    if (!channel.isOpen || attempt > channel.attempt) {
      channel.close();
      this.#open(channel);
    } else {
      // It was opened before this call came, and may have passed lines in silence since.
      channel.catchUp();
    }
    return furthest;
  }

  /** This source is silent: says so on every channel, and again on those that are opened anew, until lines come [28]. */
  markIdle(): void {
    this.#silentAt = this.#log.end.line;
    this.#sayIdle();
  }

  /** Cuts and sends what can be cut now. Returns when windows are full, lines or the slice are used up. */
  advance(): void {
    if (!this.isReady) return;
    try {
      for (const channel of this.#channels) this.#deliverBarrier(channel);
      while (this.#sliceLeft > 0) {
        const plan = this.#plan();
        if (plan === undefined) return;
        this.#cut(plan);
      }
      if (this.#hasSaidUsedUp || this.#plan() === undefined) return;
      this.#hasSaidUsedUp = true;
      this.#events.sliceUsedUp();
    } catch (error) {
      this.stop();
      this.#events.failed(error);
    }
  }

  keepAlive(work: Promise<void>): void {
    this.#context.keepAlive(work);
  }

  countRequest(): void {
    this.#operations.addRequest();
  }

  progressed(): void {
    this.advance();
    this.#sayIdle();
    this.#events.progressed();
  }

  lost(channel: OutgoingChannel, delayMs: number | undefined): void {
    const backoff = this.#backoffMs.get(channel) ?? firstBackoffMs;
    if (delayMs === undefined) {
      this.#backoffMs.set(channel, Math.min(backoff * 2, maxBackoffMs));
    }
    const token = {};
    this.#opening.set(channel, token);
    this.#context.setTimer(delayMs ?? backoff, () => {
      if (this.#opening.get(channel) === token) this.#open(channel);
    });
    this.#events.progressed();
  }

  staleGeneration(generation: number): void {
    this.#events.staleGeneration(generation);
  }

  #open(channel: OutgoingChannel): void {
    const token = {};
    this.#opening.set(channel, token);
    this.#context.keepAlive(this.#askPosition(channel, token));
  }

  async #askPosition(channel: OutgoingChannel, token: object): Promise<void> {
    this.#operations.addRequest();
    const { source, generation } = this;
    try {
      // A fresh stub: after a broken call the old one may be dead.
      const partition = this.#context.peers.partition(channel.task);
      const answer = await partition.openChannel({ source, generation });
      // The channel may have been opened anew meanwhile, or the pump stopped.
      if (this.#opening.get(channel) !== token) return;
      // Storage ends an instance that was replaced, before it sends over a session its successor lost.
      if (readStanding(this.#context.sql).generation !== generation) return;
      if (answer.kind === "staleGeneration") {
        this.#events.staleGeneration(answer.generation);
      } else if (answer.kind === "notReady") {
        this.lost(channel, answer.retryAfterMs);
      } else if (answer.channel.generation !== generation) {
        this.lost(channel, undefined);
      } else {
        this.#position(channel, answer.channel, partition);
        this.progressed();
      }
    } catch {
      // The receiver cannot be reached: asked again after the back-off.
      if (this.#opening.get(channel) === token) this.lost(channel, undefined);
    }
  }

  #position(channel: OutgoingChannel, state: ChannelState, partition: PartitionCalls): void {
    this.#opening.delete(channel);
    this.#backoffMs.delete(channel);
    channel.position(state, partition);
  }

  #plan(): BatchPlan<OutgoingChannel> | undefined {
    return planBatch(this.#channels, {
      endLine: this.#log.end.line,
      barrierLine: this.#pending?.offset,
      isTooFarAhead: (line, laggard) =>
        line > laggard && this.#log.byteAt(line) - this.#log.byteAt(laggard) > maxLeadBytes,
    });
  }

  #cut({ from, toLine, channels }: BatchPlan<OutgoingChannel>): void {
    const { segments, endLine } = this.#read(from.line);
    for (const { bytes } of segments) this.#sliceLeft -= bytes.length;
    this.#reachWatermark(from.line);
    const batch = this.#cutter.cut({
      segments,
      from,
      toLine: Math.min(toLine, endLine),
      tasks: channels.map((channel) => channel.task),
    });
    for (const { task, to, bytes, arrivalTime, watermark } of batch.frames) {
      const channel = channels.find((one) => one.is(task))!;
      channel.addFrame(to, bytes, arrivalTime, watermark ?? -Infinity);
    }
    for (const channel of channels) {
      channel.advance(batch.to, batch.arrivalTime, batch.watermark ?? -Infinity);
      this.#deliverBarrier(channel);
      channel.flush();
    }
  }

  #sayIdle(): void {
    const { line } = this.#log.end;
    if (this.#silentAt !== line) return;
    for (const channel of this.#channels) {
      if (!channel.lacksIdleMark || channel.cut.line !== line) continue;
      channel.addIdleMark();
      channel.flush();
    }
  }

  #read(line: number): { segments: Segment[]; endLine: number } {
    const segments = this.#log.read(line, batchBytes);
    const last = segments.at(-1);
    if (last !== undefined) return { segments, endLine: last.firstLine + last.lines };
    throw new Error(
      `Line ${line} of source ${this.source} is needed and not in its log, which begins at line ` +
        `${this.#log.firstLine}. Start the job from a checkpoint at or above that line.`,
    );
  }

  /** Runs lines for nobody, up to `line`, where the state of the watermark generators is not known. */
  #reachWatermark(line: number): void {
    const positions = this.#positions;
    if (positions === undefined) return;
    for (let at = positions.nearest(line); at < line; at = positions.nearest(line)) {
      const { segments, endLine } = this.#read(at);
      this.#cutter.cut({
        segments,
        from: lineStart(at),
        toLine: Math.min(line, endLine),
        tasks: [],
      });
    }
  }

  /** Queues the pending barrier once the channel stands at its line; asks again where it was delivered. */
  #deliverBarrier(channel: OutgoingChannel): void {
    const pending = this.#pending;
    if (pending === null || !channel.needsBarrier(pending.checkpoint)) return;
    const isThere = comparePositions(channel.cut, lineStart(pending.offset)) === 0;
    if (!isThere && !channel.hasDelivered(pending.checkpoint)) return;
    channel.addBarrier(pending);
    channel.flush();
  }
}
