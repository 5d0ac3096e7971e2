/**
 * The sending end of the channel to one partition of a fed vertex: what the receiver may still need,
 * what is under way, and what the receiver last said of itself. A full window delays nobody else;
 * barriers and marks need no credit [30].
 *
 * Promise: items leave in order, numbered from the last barrier; a frame is kept until the receiver
 * has applied it. A receiver that stands before the oldest item kept cannot be served: only a rollback
 * of both ends helps, and the host is told [6].
 */
import type { CheckpointMode, PartitionCalls, TaskId } from "../messages.ts";
import type {
  VertexChannelAnswer,
  VertexChannelState,
  VertexPosition,
} from "../vertex-messages.ts";
import { behindBarrier, compareVertexPositions, nextFrame } from "./vertex-position.ts";

/** What a channel needs of the partition it belongs to. */
export interface OutgoingHost {
  readonly sender: TaskId;
  readonly generation: number;
  keepAlive(work: Promise<void>): void;
  countRequest(): void;
  /** The channel has no session: it asks for one as long as it is wanted. */
  needsOpening(channel: OutgoingChannel, delayMs: number | undefined): void;
  /** A barrier was sent for the first time. */
  barrierLeft(): void;
  /** Something was applied: there may be room. */
  progressed(channel: OutgoingChannel): void;
  /** The receiver lacks what is not kept any more. */
  cannotServe(channel: OutgoingChannel, position: VertexPosition): void;
  overtaken(generation: number): void;
}

/** What time it is at the end of the channel. */
export interface ChannelMark {
  readonly watermark: number;
  readonly isIdle: boolean;
  readonly hasCaughtUp: boolean;
}

export interface OutgoingBarrier {
  readonly checkpoint: number;
  readonly base: number;
  readonly mode: CheckpointMode;
  /** As in Barrier. */
  readonly alignmentTimeoutMs?: number;
}

interface FrameItem {
  readonly kind: "frame";
  readonly position: VertexPosition;
  readonly bytes: Uint8Array;
  readonly arrivalTime: number;
  readonly mark: ChannelMark;
  /** Over this session or an earlier one: the receiver may have it. */
  wasSent: boolean;
}
interface BarrierItem {
  readonly kind: "barrier";
  readonly position: VertexPosition;
  readonly barrier: OutgoingBarrier;
  readonly mark: ChannelMark;
  wasSent: boolean;
  /** Acknowledged or given up: nobody waits for the answer. */
  isDecided: boolean;
}
type Item = FrameItem | BarrierItem;
/** What is known of a frame that a barrier overtook. */
export type OvertakenFrame = Pick<FrameItem, "arrivalTime" | "bytes" | "mark">;
type Sent =
  | Item
  | {
      readonly kind: "mark";
      readonly position: VertexPosition;
      readonly mark: ChannelMark;
      readonly number: number;
    };

interface Session {
  readonly partition: PartitionCalls;
  readonly state: VertexChannelState;
}

/** What a receiver believes that was told nothing. */
const UNKNOWN_MARK: ChannelMark = { watermark: -Infinity, isIdle: true, hasCaughtUp: false };
const NO_BYTES = new Uint8Array(0);
/** Frames under way at most. */
const MOST_FRAMES_UNDER_WAY = 4;

export class OutgoingChannel {
  readonly receiver: TaskId;
  readonly #host: OutgoingHost;
  #session: Session | undefined;
  /** Raised with every session: answers to older calls do not count. */
  #epoch = 0;
  #creditBytes = 0;
  /** Everything the receiver may still ask for, oldest first. */
  #items: Item[] = [];
  /** Items before this one were sent over the present session. */
  #unsent = 0;
  #next: VertexPosition;
  /** The barrier behind which the newest frame stands. */
  #newestFrameBehind = -1;
  #bytesKept = 0;
  #bytesUnderWay = 0;
  #framesUnderWay = 0;
  #marksSent = 0;
  #mark = UNKNOWN_MARK;
  #toldMark = UNKNOWN_MARK;

  constructor(host: OutgoingHost, receiver: TaskId, restored: number) {
    this.#host = host;
    this.receiver = receiver;
    this.#next = behindBarrier(restored);
  }

  is({ vertex, index }: TaskId): boolean {
    return this.receiver.vertex === vertex && this.receiver.index === index;
  }

  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  /** The receiver's attempt, undefined while the channel is not open. */
  get attempt(): number | undefined {
    return this.#session?.state.attempt;
  }

  /** Bytes of frames the receiver has not applied. */
  get bytesKept(): number {
    return this.#bytesKept;
  }

  /** A frame was made behind the barrier of `checkpoint`. */
  hasFramesBehind(checkpoint: number): boolean {
    return this.#newestFrameBehind >= checkpoint;
  }

  /** Nothing waits for the receiver: what comes now would leave at once. */
  get isQuiet(): boolean {
    return this.#bytesKept === 0;
  }

  /** Something is to be told that the receiver may not know. */
  get hasNews(): boolean {
    const waits = this.#items.some((item) => item.kind === "frame" || !item.isDecided);
    if (waits || this.#items.length > this.#unsent) return true;
    // A receiver that must know whether its senders have caught up asks by itself.
    const { hasCaughtUp } = this.#session === undefined ? this.#toldMark : this.#mark;
    return !isSameMark({ ...this.#mark, hasCaughtUp }, this.#toldMark);
  }

  addFrame(bytes: Uint8Array, arrivalTime: number, mark: ChannelMark): void {
    this.#mark = mark;
    const wasSent = false;
    this.#items.push({ kind: "frame", position: this.#next, bytes, arrivalTime, mark, wasSent });
    this.#bytesKept += bytes.length;
    this.#newestFrameBehind = this.#next.barrier;
    this.#next = nextFrame(this.#next);
  }

  /** Behind everything added so far; the newest one is enough. */
  setMark(mark: ChannelMark): void {
    this.#mark = mark;
  }

  addBarrier(barrier: OutgoingBarrier, mark: ChannelMark): void {
    this.#mark = mark;
    const position = this.#next;
    const [wasSent, isDecided] = [false, false];
    this.#items.push({ kind: "barrier", position, barrier, mark, wasSent, isDecided });
    this.#next = behindBarrier(barrier.checkpoint);
  }

  /** Frames the barrier waits for and would overtake: those before it that the receiver cannot have. */
  before(checkpoint: number): readonly OvertakenFrame[] {
    const place = this.#items.findIndex((item) => isBarrierOf(item, checkpoint));
    return this.#items.slice(this.#firstNeverSent(), Math.max(0, place)).filter(isFrame);
  }

  /**
   * The barrier of `checkpoint`, the newest one, overtakes what before() answers: those frames are
   * numbered behind it from now on. It says nothing of time, because what it knows is behind them.
   */
  overtake(checkpoint: number): void {
    const overtaken = this.before(checkpoint);
    if (overtaken.length === 0) return;
    const first = this.#firstNeverSent();
    const place = this.#items.findIndex((item) => isBarrierOf(item, checkpoint));
    const barrier = this.#items[place] as BarrierItem;
    const { position } = this.#items[first]!;
    const mark = { watermark: -Infinity, isIdle: false, hasCaughtUp: false };
    const numbered = { ...barrier.barrier, alignmentTimeoutMs: 0 };
    // An older barrier among them was given up, or this one would not be there: nobody has to see it.
    const behind = this.#items.slice(first).filter(isFrame);
    this.#next = behindBarrier(checkpoint);
    this.#newestFrameBehind = checkpoint;
    const renumbered = behind.map((frame) => {
      const position = this.#next;
      this.#next = nextFrame(position);
      return { ...frame, position };
    });
    this.#items.splice(first, Infinity, { ...barrier, barrier: numbered, position, mark });
    this.#items.push(...renumbered);
  }

  #firstNeverSent(): number {
    return this.#items.findLastIndex(({ wasSent }) => wasSent) + 1;
  }

  /** These checkpoints are given up or completed. Their barriers stay: frames behind them are numbered by them. */
  decide(checkpoint: number): void {
    for (const item of this.#items) {
      if (item.kind === "barrier" && item.barrier.checkpoint <= checkpoint) item.isDecided = true;
    }
  }

  /** No receiver restores an older checkpoint than this one any more. */
  complete(checkpoint: number): void {
    this.decide(checkpoint);
    const first = this.#items
      .slice(0, this.#unsent)
      .findIndex((item) => item.kind === "frame" || item.barrier.checkpoint > checkpoint);
    this.#drop(first < 0 ? this.#unsent : first);
  }

  /** Takes the receiver's word for where the channel stands. */
  position(partition: PartitionCalls, state: VertexChannelState): void {
    this.close();
    const { position } = state;
    const oldest = this.#items[0]?.position ?? this.#next;
    if (
      compareVertexPositions(position, oldest) < 0 ||
      compareVertexPositions(position, this.#next) > 0
    ) {
      return this.#host.cannotServe(this, position);
    }
    const isKnown = (item: Item): boolean => compareVertexPositions(item.position, position) < 0;
    // Barriers without frames behind them stay: the receiver may lose its memory and need them again.
    const lastKnownFrame = this.#items.findLastIndex(
      (item) => item.kind === "frame" && isKnown(item),
    );
    this.#drop(lastKnownFrame + 1);
    this.#session = { partition, state };
    this.#creditBytes = state.creditBytes;
    this.#unsent = this.#items.filter(isKnown).length;
    for (const item of this.#items.slice(0, this.#unsent)) {
      // The call that waits for its outcome is lost, and with it the news that the receiver is [22].
      if (item.kind === "barrier" && !item.isDecided) this.#send(item);
    }
    this.flush();
  }

  /** Ends the session: what is under way is in doubt. */
  close(): void {
    this.#epoch++;
    this.#session = undefined;
    this.#unsent = 0;
    this.#bytesUnderWay = 0;
    this.#framesUnderWay = 0;
    this.#toldMark = UNKNOWN_MARK;
  }

  /** Sends what may be sent now, or asks for a session. */
  flush(): void {
    if (this.#session === undefined) {
      if (this.hasNews) this.#host.needsOpening(this, 0);
      return;
    }
    while (this.#unsent < this.#items.length) {
      const item = this.#items[this.#unsent]!;
      if (item.kind === "frame" && !this.#fits(item.bytes.length)) return;
      this.#unsent++;
      // A barrier says what time it is, and nothing of catching up.
      const { hasCaughtUp } = item.kind === "barrier" ? this.#toldMark : item.mark;
      this.#toldMark = { ...item.mark, hasCaughtUp };
      const isFirst = !item.wasSent;
      item.wasSent = true;
      this.#send(item);
      if (isFirst && item.kind === "barrier") this.#host.barrierLeft();
    }
    if (isSameMark(this.#mark, this.#toldMark)) return;
    this.#toldMark = this.#mark;
    const [position, mark, number] = [this.#next, this.#mark, ++this.#marksSent];
    this.#send({ kind: "mark", position, mark, number });
  }

  /** One frame is always allowed, or a frame above the credit would wait for ever. */
  #fits(bytes: number): boolean {
    if (this.#framesUnderWay === 0) return true;
    const isWithinCredit = this.#bytesUnderWay + bytes <= this.#creditBytes;
    return isWithinCredit && this.#framesUnderWay < MOST_FRAMES_UNDER_WAY;
  }

  #send(item: Sent): void {
    if (item.kind === "frame") {
      this.#framesUnderWay++;
      this.#bytesUnderWay += item.bytes.length;
    }
    this.#host.keepAlive(this.#deliver(this.#session!, item, this.#epoch));
  }

  async #deliver(session: Session, item: Sent, epoch: number): Promise<void> {
    this.#host.countRequest();
    let answer: VertexChannelAnswer;
    try {
      answer = await this.#call(session, item);
    } catch {
      // The receiver was evicted, or the answer was lost: opening the channel tells.
      if (epoch === this.#epoch) this.#lose(undefined);
      return;
    }
    // Other events ran while the call was out.
    if (epoch === this.#epoch) this.#take(answer, item, session);
  }

  #call({ partition, state }: Session, item: Sent): Promise<VertexChannelAnswer> {
    const { generation, sender } = this.#host;
    const { position, mark } = item;
    const { attempt, session } = state;
    const { watermark, hasCaughtUp } = mark;
    // Who has not heard of event time yet may hear of an older one than others have: it is waited for [28].
    const isIdle = mark.isIdle && watermark !== -Infinity;
    const common = { generation, attempt, session, sender, position, watermark, isIdle };
    if (item.kind === "barrier") {
      return partition.vertexBarrier({ ...common, ...item.barrier });
    }
    const markNumber = item.kind === "mark" ? item.number : 0;
    const { bytes, arrivalTime } =
      item.kind === "frame" ? item : { bytes: NO_BYTES, arrivalTime: 0 };
    return partition.vertexFrame({ ...common, hasCaughtUp, markNumber, arrivalTime, bytes });
  }

  #take(answer: VertexChannelAnswer, item: Sent, { partition }: Session): void {
    switch (answer.kind) {
      case "done":
        this.#creditBytes = answer.creditBytes;
        if (item.kind === "barrier") item.isDecided = true;
        if (item.kind === "frame") this.#applied(item);
        break;
      case "reposition":
        return this.position(partition, answer.channel);
      case "notReady":
        return this.#lose(answer.retryAfterMs);
      case "staleGeneration":
        return this.#host.overtaken(answer.generation);
    }
    this.flush();
    this.#host.progressed(this);
  }

  /** With a frame everything before it is applied. */
  #applied(frame: FrameItem): void {
    const place = this.#items.indexOf(frame);
    if (place < 0) return;
    for (const item of this.#items.slice(0, place + 1)) {
      if (item.kind !== "frame") continue;
      this.#framesUnderWay--;
      this.#bytesUnderWay -= item.bytes.length;
    }
    this.#drop(place + 1);
  }

  #drop(count: number): void {
    for (const item of this.#items.splice(0, count)) {
      if (item.kind === "frame") this.#bytesKept -= item.bytes.length;
    }
    this.#unsent = Math.max(0, this.#unsent - count);
  }

  #lose(delayMs: number | undefined): void {
    this.close();
    if (this.hasNews) this.#host.needsOpening(this, delayMs);
  }
}

function isFrame(item: Item): item is FrameItem {
  return item.kind === "frame";
}

function isBarrierOf(item: Item, checkpoint: number): item is BarrierItem {
  return item.kind === "barrier" && item.barrier.checkpoint === checkpoint;
}

function isSameMark(left: ChannelMark, right: ChannelMark): boolean {
  return (
    left.watermark === right.watermark &&
    left.isIdle === right.isIdle &&
    left.hasCaughtUp === right.hasCaughtUp
  );
}
