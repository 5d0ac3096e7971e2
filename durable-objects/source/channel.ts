/**
 * The sending end of one channel: what is cut and not yet sent, what is under way, and what the
 * receiver last said of itself. Sends in order on one stub, several frames at once within the
 * receiver's credit; a full window delays nobody else, and barriers need no credit [30].
 *
 * Promise: a frame always begins where the previous one of this channel ended; whatever the receiver
 * says of its position wins over what this end believed [1]. Answers to what was sent before the
 * channel was (re)positioned are ignored; so is, by the receiver, what was sent before it was opened.
 */
import { FrameWriter } from "../../dataflow/frame.ts";
import type { ChannelAnswer, ChannelState, PartitionCalls, Position, TaskId } from "../messages.ts";
import { comparePositions, furtherPosition } from "./position.ts";
import type { PendingCheckpoint } from "./standing.ts";

/** What a channel needs of the pump it belongs to. */
export interface ChannelHost {
  readonly source: number;
  readonly generation: number;
  keepAlive(work: Promise<void>): void;
  countRequest(): void;
  /** Something was answered: there may be room, or a barrier is done. */
  progressed(): void;
  /** The channel is closed; it may be opened again after `delayMs` (undefined: after a back-off). */
  lost(channel: OutgoingChannel, delayMs: number | undefined): void;
  staleGeneration(generation: number): void;
}

type Item =
  | {
      readonly kind: "frame";
      readonly from: Position;
      readonly to: Position;
      readonly bytes: Uint8Array;
      readonly arrivalTime: number;
      readonly watermark: number;
      readonly isIdle: boolean;
      /** The newest barrier queued before it; 0 when none. */
      readonly afterBarrier: number;
    }
  | {
      readonly kind: "barrier";
      readonly pending: PendingCheckpoint;
      readonly watermark: number;
    };

function emptyFrame(): Uint8Array {
  return new FrameWriter(0).finish();
}

/** Frames under way at most, so that the pump breathes between batches. */
const maxFramesUnderWay = 4;

export class OutgoingChannel {
  readonly task: TaskId;
  readonly #host: ChannelHost;
  /** Raised with every change of position: answers to older calls do not count. */
  #epoch = 0;
  #partition: PartitionCalls | undefined;
  #attempt = 0;
  #session = 0;
  #creditBytes = 0;
  #queue: Item[] = [];
  #bytesUnderWay = 0;
  #framesUnderWay = 0;
  #lastBarrier = 0;
  #barrierQueued = 0;
  /** The checkpoint whose barrier does not wait for credit before it. */
  #hurried = 0;
  #cut: Position;
  #cutArrivalTime = 0;
  /** Event time at the cut, and what the receiver was last told of it [13]. */
  #cutWatermark = -Infinity;
  #toldWatermark = -Infinity;
  /** The newest frame said that the source is silent. */
  #saidIdle = false;
  #queuedTo: Position;
  #applied: Position;
  #reach: Position;
  #furthest: Position;
  #isKnown = false;

  /** `furthest`: how far the channel may have been cut by an object that lost its memory [20]. */
  constructor(host: ChannelHost, task: TaskId, start: Position, furthest: Position) {
    this.#host = host;
    this.task = task;
    this.#cut = start;
    this.#queuedTo = start;
    this.#applied = start;
    this.#reach = start;
    this.#furthest = furthest;
  }

  is(task: TaskId): boolean {
    return this.task.index === task.index && this.task.vertex === task.vertex;
  }

  get isOpen(): boolean {
    return this.#partition !== undefined;
  }

  /** Whether the receiver has ever said where it stands. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  get attempt(): number {
    return this.#attempt;
  }

  /** The record up to which this channel's records are cut into frames, or known to be none. */
  get cut(): Position {
    return this.#cut;
  }

  /**
   * The furthest point the receiver may stand at, or come to with what is still under way to it, over
   * a connection that is broken or not: no barrier may be placed before it [2].
   */
  get reach(): Position {
    return this.#reach;
  }

  /** The furthest the channel was ever cut, as far as this source knows [20]. */
  get furthest(): Position {
    return this.#furthest;
  }

  /** Up to here the receiver has everything: what an idle source has delivered. */
  get delivered(): Position {
    const nothingUnderWay = this.#queue.length === 0 && this.#framesUnderWay === 0;
    return this.isOpen && nothingUnderWay ? this.#cut : this.#applied;
  }

  /** Whether the next batch may be cut: nothing waits for credit. */
  get hasRoom(): boolean {
    return this.isOpen && this.#queue.length === 0 && this.#framesUnderWay < maxFramesUnderWay;
  }

  /** Whether barrier `checkpoint` still has to be queued. */
  needsBarrier(checkpoint: number): boolean {
    return this.isOpen && this.#barrierQueued < checkpoint;
  }

  /** Whether the receiver has said that barrier `checkpoint` was delivered. */
  hasDelivered(checkpoint: number): boolean {
    return this.#lastBarrier >= checkpoint;
  }

  /** Takes the receiver's word for where the channel stands. What was cut and not sent is dropped. */
  position(state: ChannelState, partition: PartitionCalls): void {
    this.#reset();
    this.#isKnown = true;
    this.#partition = partition;
    this.#attempt = state.attempt;
    this.#session = state.session;
    this.#creditBytes = state.creditBytes;
    this.#lastBarrier = state.lastBarrier;
    this.#cut = state.position;
    this.#queuedTo = state.position;
    this.#applied = state.position;
    this.#reach = furtherPosition(this.#reach, state.position);
  }

  /** Ends sending: what is under way is in doubt. */
  close(): void {
    this.#reset();
    this.#partition = undefined;
    this.#cut = this.#applied;
    this.#queuedTo = this.#applied;
  }

  /** Queues the records between the previous frame's end and `to`. */
  addFrame(to: Position, bytes: Uint8Array, arrivalTime: number, watermark: number): void {
    this.#addFrame({ to, bytes, arrivalTime, watermark, isIdle: false });
  }

  /** Whether the receiver does not know yet that the source is silent, and nothing stands before that news. */
  get lacksIdleMark(): boolean {
    return this.isOpen && this.#queue.length === 0 && !this.#saidIdle;
  }

  /** The source has fallen silent: in-band, behind everything it has sent [28]. */
  addIdleMark(): void {
    this.#bringReceiver();
    this.#addFrame({
      to: this.#queuedTo,
      bytes: emptyFrame(),
      arrivalTime: this.#cutArrivalTime,
      watermark: this.#cutWatermark,
      isIdle: true,
    });
  }

  /**
   * Says that everything before `to` is cut, the last line of it having arrived at `arrivalTime`. A
   * receiver without records is not told, unless it was as far before and waits to be there again, or
   * event time has moved [13].
   */
  advance(to: Position, arrivalTime: number, watermark: number): void {
    const wasBehind = comparePositions(this.#queuedTo, this.#furthest) < 0;
    const isThere = comparePositions(to, this.#furthest) >= 0;
    this.#cut = to;
    this.#cutArrivalTime = arrivalTime;
    this.#cutWatermark = watermark;
    this.#reach = furtherPosition(this.#reach, to);
    this.#furthest = furtherPosition(this.#furthest, to);
    if ((wasBehind && isThere) || watermark > this.#toldWatermark) this.#bringReceiver();
  }

  /** A barrier stands at an exact position: an empty frame brings the receiver there [2]. */
  addBarrier(pending: PendingCheckpoint): void {
    if (!this.hasDelivered(pending.checkpoint)) this.#bringReceiver();
    this.#barrierQueued = pending.checkpoint;
    const watermark = pending.endsTime === true ? Infinity : this.#cutWatermark;
    this.#queue.push({ kind: "barrier", pending, watermark });
  }

  /** The checkpoint is decided: nothing waits for its barrier any more. */
  dropBarrier(checkpoint: number): void {
    if (this.#barrierQueued === checkpoint) this.#barrierQueued = 0;
    this.#queue = this.#queue
      .filter((item) => item.kind !== "barrier" || item.pending.checkpoint !== checkpoint)
      .map((item) => (item.kind === "frame" ? { ...item, afterBarrier: 0 } : item));
  }

  /**
   * The barrier of `checkpoint` has waited long enough: what stands before it leaves without credit, at
   * most what was cut at once, so that the receiver has it all and can let the barrier overtake it.
   */
  hurry(checkpoint: number): void {
    this.#hurried = checkpoint;
    this.flush();
  }

  /** Sends what may be sent now. */
  flush(): void {
    while (this.#partition !== undefined) {
      const item = this.#queue[0];
      if (item === undefined) return;
      if (item.kind === "frame" && !this.#fits(item.bytes.length) && !this.#isHurried) return;
      this.#queue.shift();
      this.#host.keepAlive(this.#send(this.#partition, item, this.#epoch));
    }
  }

  get #isHurried(): boolean {
    if (this.#hurried === 0 || this.#hurried !== this.#barrierQueued) return false;
    return this.#queue.some(({ kind }) => kind === "barrier");
  }

  /**
   * The receiver waits to be as far as it ever was [20]. What is cut it hears now: nothing else tells
   * it of lines that hold no records for it.
   */
  catchUp(): void {
    this.#bringReceiver();
    this.flush();
  }

  #bringReceiver(): void {
    if (comparePositions(this.#queuedTo, this.#cut) >= 0) return;
    this.addFrame(this.#cut, emptyFrame(), this.#cutArrivalTime, this.#cutWatermark);
  }

  #addFrame(
    frame: Pick<
      Extract<Item, { kind: "frame" }>,
      "to" | "bytes" | "arrivalTime" | "watermark" | "isIdle"
    >,
  ): void {
    const [from, afterBarrier] = [this.#queuedTo, this.#barrierQueued];
    this.#queue.push({ kind: "frame", from, afterBarrier, ...frame });
    this.#queuedTo = frame.to;
    this.#saidIdle = frame.isIdle;
    this.#toldWatermark = Math.max(this.#toldWatermark, frame.watermark);
  }

  /** One frame is always allowed, or a frame above the credit would wait for ever. */
  #fits(bytes: number): boolean {
    return this.#framesUnderWay === 0 || this.#bytesUnderWay + bytes <= this.#creditBytes;
  }

  async #send(partition: PartitionCalls, item: Item, epoch: number): Promise<void> {
    const size = item.kind === "frame" ? item.bytes.length : 0;
    if (item.kind === "frame") {
      this.#framesUnderWay++;
      this.#bytesUnderWay += size;
    }
    this.#host.countRequest();
    let answer: ChannelAnswer;
    try {
      answer = await this.#call(partition, item);
    } catch {
      // A broken call is ordinary: the receiver was evicted, or the answer was lost. What it did is
      // found out by opening the channel again.
      if (epoch === this.#epoch) this.#lose(undefined);
      return;
    }
    // Other events ran while the call was out.
    if (epoch !== this.#epoch) return;
    if (item.kind === "frame") {
      this.#framesUnderWay--;
      this.#bytesUnderWay -= size;
    }
    this.#take(answer, item, partition);
  }

  #call(partition: PartitionCalls, item: Item): Promise<ChannelAnswer> {
    const { source, generation } = this.#host;
    const fence = { generation, attempt: this.#attempt, session: this.#session };
    if (item.kind === "frame") {
      const { from, to, bytes, arrivalTime, watermark, isIdle, afterBarrier } = item;
      return partition.frame({
        ...fence,
        source,
        from,
        to,
        watermark,
        arrivalTime,
        bytes,
        ...(isIdle && { isIdle }),
        ...(afterBarrier === 0 ? {} : { afterBarrier }),
      });
    }
    const { checkpoint, base, offset, mode, alignmentTimeoutMs } = item.pending;
    return partition.barrier({
      ...fence,
      source,
      checkpoint,
      base,
      offset,
      watermark: item.watermark,
      mode,
      ...(alignmentTimeoutMs !== undefined && { alignmentTimeoutMs }),
    });
  }

  #take(answer: ChannelAnswer, item: Item, partition: PartitionCalls): void {
    switch (answer.kind) {
      case "done":
        this.#creditBytes = answer.creditBytes;
        if (item.kind === "frame") this.#applied = furtherPosition(this.#applied, item.to);
        break;
      case "reposition":
        this.position(answer.channel, partition);
        break;
      case "notReady":
        this.#lose(answer.retryAfterMs);
        return;
      case "staleGeneration":
        this.#host.staleGeneration(answer.generation);
        return;
    }
    this.flush();
    this.#host.progressed();
  }

  #lose(delayMs: number | undefined): void {
    this.close();
    this.#host.lost(this, delayMs);
  }

  #reset(): void {
    this.#epoch++;
    this.#queue = [];
    this.#bytesUnderWay = 0;
    this.#framesUnderWay = 0;
    this.#barrierQueued = 0;
    this.#cutWatermark = -Infinity;
    this.#toldWatermark = -Infinity;
    this.#saidIdle = false;
  }
}
