/**
 * The one loop that changes a task's state: it takes turns from the queues of the input channels, in
 * order within each, and aligns barriers on the way [8].
 *
 * Promise: frames are applied one at a time, each wholly before the next; nothing of a held channel
 * is applied; the moment of alignment is synchronous, so what `aligned` sees is exactly the
 * checkpoint's state. The first throw closes the loop: nothing is applied after it.
 * A barrier that has arrived on every channel may overtake the frames before it (unaligned): between
 * two turns, with the same promise.
 * Non-goals: positions, fences and answers. Channels are numbers, so it does not matter who sends.
 */
import { BarrierAlignment } from "./alignment.ts";
import { ChannelQueue } from "./channel-queue.ts";

export interface LoopHandler<Frame, Barrier extends { readonly checkpoint: number }> {
  /** Room for the frame's bytes: undefined when it is there, else a promise of it. */
  admit(frame: Frame): Promise<void> | undefined;
  /** Applies the frame. Answers a promise only when it has to wait for state; nothing else is applied meanwhile. */
  apply(frame: Frame): void | Promise<void>;
  /** A barrier takes its turn, whatever becomes of its checkpoint. */
  reached(barrier: Barrier): void | Promise<void>;
  /** All channels have delivered the barrier; runs before any of them goes on. `overtaken`: what it did not wait for. */
  aligned(checkpoint: number, overtaken: readonly Overtaken<Frame, Barrier>[]): void;
  /** Something above threw. The loop is closed; `frame` is the one that was being applied. */
  failed(error: unknown, frame: Frame | undefined): void;
}

/** The frames of one channel that stand before a barrier, which has arrived. */
export interface Overtaken<Frame, Barrier> {
  readonly frames: readonly Frame[];
  /** The turn of each among the frames of all channels, 0 for the next one. */
  readonly turns: readonly number[];
  readonly barrier: Barrier;
}

type Turn<Frame, Barrier> =
  | { readonly kind: "frame"; readonly frame: Frame; readonly goesFirst: boolean }
  | { readonly kind: "barrier"; readonly barrier: Barrier };

const NOTHING_OVERTAKEN: readonly never[] = [];

export class ApplyLoop<Frame, Barrier extends { readonly checkpoint: number }> {
  readonly #queues: readonly ChannelQueue<Turn<Frame, Barrier>>[];
  readonly #alignment: BarrierAlignment;
  readonly #handler: LoopHandler<Frame, Barrier>;
  readonly #work: (() => void | Promise<void>)[] = [];
  readonly #whenFree: (() => void)[] = [];
  /** A turn is half done: the state is between two moments. */
  #isTaking = false;
  #isRunning = false;
  #isClosed = false;
  /** Where the search for the next turn begins, so that no channel starves another. */
  #nextChannel = 0;
  /** The channel whose frame waits for room, or is being applied. */
  #present: number | undefined;
  /** Channels of the frames that go before all others and have not been applied, in their order. */
  readonly #restored: number[] = [];

  /** `holdsChannels` false: at least once, no channel waits for another's barrier. */
  constructor(
    channelCount: number,
    handler: LoopHandler<Frame, Barrier>,
    options: { readonly holdsChannels?: boolean } = {},
  ) {
    this.#queues = Array.from(
      { length: channelCount },
      () => new ChannelQueue<Turn<Frame, Barrier>>(),
    );
    this.#alignment = new BarrierAlignment(channelCount, options);
    this.#handler = handler;
  }

  /** The checkpoint being aligned, undefined when none is. */
  get aligning(): number | undefined {
    return this.#alignment.pending;
  }

  /** Whether the checkpoint was aligned, aborted or overtaken. */
  isDecided(checkpoint: number): boolean {
    return this.#alignment.isDecided(checkpoint);
  }

  pushFrame(channel: number, frame: Frame): void {
    this.#push(channel, { kind: "frame", frame, goesFirst: false });
  }

  /**
   * A frame that a restored checkpoint holds in flight, pushed before any other of its channel: nothing of
   * any channel takes its turn before it, as it was when the barrier came, and those of all channels take
   * theirs in the order in which they were pushed [44].
   */
  pushRestoredFrame(channel: number, frame: Frame): void {
    this.#restored.push(channel);
    this.#push(channel, { kind: "frame", frame, goesFirst: true });
  }

  pushBarrier(channel: number, barrier: Barrier): void {
    this.#push(channel, { kind: "barrier", barrier });
  }

  /** Runs `work` when no frame or barrier can take its turn, and nothing else beside it. */
  pushWork(work: () => void | Promise<void>): void {
    if (this.#isClosed) throw new Error("Work was pushed to a closed apply loop.");
    this.#work.push(work);
    void this.#run();
  }

  /** Calls `work`, which must not wait, as soon as no turn is half done: now, or before the next one. */
  whenFree(work: () => void): void {
    if (this.#isClosed) return;
    this.#whenFree.push(work);
    if (!this.#isTaking) this.#runWhenFree();
  }

  /** What the barrier of `checkpoint` would overtake now; undefined while it has not arrived on every channel. */
  before(checkpoint: number): readonly Overtaken<Frame, Barrier>[] | undefined {
    const overtaken: (Overtaken<Frame, Barrier> & { readonly channel: number })[] = [];
    const isPending = this.#alignment.pending === checkpoint;
    for (const [channel, queue] of this.#queues.entries()) {
      if (isPending && this.#alignment.hasDelivered(channel)) continue;
      const frames: Frame[] = [];
      const barrier = queue.waiting().find((turn) => {
        if (turn.kind === "frame") frames.push(turn.frame);
        return turn.kind === "barrier" && turn.barrier.checkpoint === checkpoint;
      });
      if (barrier?.kind !== "barrier") return undefined;
      overtaken.push({ channel, frames, turns: [], barrier: barrier.barrier });
    }
    const order = this.#order(
      new Map(overtaken.map(({ channel, frames }) => [channel, frames.length])),
    );
    return overtaken.map((one) => ({ ...one, turns: turnsOf(one.channel, order) }));
  }

  /** The channels of the next frames in the order of their turns, as many of each channel as given. */
  #order(left: Map<number, number>): readonly number[] {
    const order: number[] = [];
    const take = (channel: number): void => {
      const frames = left.get(channel) ?? 0;
      if (frames > 0) order.push(channel);
      left.set(channel, frames - 1);
    };
    if (this.#restored.length > 0) for (const channel of this.#restored) take(channel);
    else if (this.#present !== undefined) take(this.#present);
    const from = (order.at(-1) ?? this.#nextChannel - 1) + 1;
    const rounds = Math.max(0, ...left.values());
    const count = this.#queues.length;
    for (let step = 0; step < rounds * count; step++) take((from + step) % count);
    return order;
  }

  /** Lets the barrier of `checkpoint` overtake all that is before it: the state now is the checkpoint's. Only within whenFree. */
  overtake(checkpoint: number): void {
    const overtaken = this.before(checkpoint);
    if (this.#isTaking || overtaken === undefined) {
      throw new Error(`The barrier of checkpoint ${checkpoint} cannot overtake at this moment.`);
    }
    this.#alignment.conclude(checkpoint);
    this.#handler.aligned(checkpoint, overtaken);
    void this.#run();
  }

  /** Gives up this checkpoint and every older one that is not aligned yet, and goes on. */
  abort(checkpoint: number): void {
    this.#alignment.abort(checkpoint);
    void this.#run();
  }

  /** Ends the loop. Answers the frames that were not applied, the one being admitted included. */
  close(): readonly Frame[] {
    this.#isClosed = true;
    return this.#queues.flatMap((queue) =>
      queue.clear().flatMap((turn) => (turn.kind === "frame" ? [turn.frame] : [])),
    );
  }

  #push(channel: number, turn: Turn<Frame, Barrier>): void {
    if (this.#isClosed) throw new Error("A turn was pushed to a closed apply loop.");
    this.#queues[channel]!.push(turn);
    void this.#run();
  }

  #runWhenFree(): void {
    try {
      while (this.#whenFree.length > 0) this.#whenFree.shift()!();
    } catch (error) {
      if (this.#isClosed) return;
      this.#isClosed = true;
      this.#handler.failed(error, undefined);
    }
  }

  /** Runs synchronously until a frame has to wait for room or state. A frame stays in its queue until it is applied. */
  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    let frame: Frame | undefined;
    try {
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        frame = undefined;
        if (next === "work") {
          this.#isTaking = true;
          const done = this.#work.shift()!();
          if (done !== undefined) await done;
          this.#endTurn();
          continue;
        }
        const turn = next.queue.peek()!;
        if (turn.kind === "barrier") {
          this.#isTaking = true;
          next.queue.take();
          const arrived = this.#handler.reached(turn.barrier);
          if (arrived !== undefined) await arrived;
          if (this.#isClosed) return;
          const { checkpoint } = turn.barrier;
          const delivery = this.#alignment.deliver(next.channel, checkpoint);
          if (delivery === "aligned") this.#handler.aligned(checkpoint, NOTHING_OVERTAKEN);
          this.#endTurn();
          continue;
        }
        frame = turn.frame;
        this.#present = next.channel;
        const room = this.#handler.admit(frame);
        if (room !== undefined) await room;
        if (this.#isClosed) return;
        this.#isTaking = true;
        const applied = this.#handler.apply(frame);
        if (applied !== undefined) await applied;
        if (this.#isClosed) return;
        next.queue.take();
        this.#present = undefined;
        if (turn.goesFirst) this.#restored.shift();
        this.#endTurn();
      }
    } catch (error) {
      // Room that will never come because the loop was closed is no failure.
      if (this.#isClosed) return;
      this.#isClosed = true;
      this.#handler.failed(error, frame);
    } finally {
      this.#isRunning = false;
    }
  }

  #endTurn(): void {
    this.#isTaking = false;
    if (this.#whenFree.length > 0) this.#runWhenFree();
  }

  #next(): { channel: number; queue: ChannelQueue<Turn<Frame, Barrier>> } | "work" | undefined {
    if (this.#isClosed) return undefined;
    const count = this.#queues.length;
    const [restored] = this.#restored;
    for (let step = 0; step < count; step++) {
      const channel = restored ?? (this.#nextChannel + step) % count;
      const queue = this.#queues[channel]!;
      if (queue.length === 0 || this.#alignment.isHeld(channel)) continue;
      this.#nextChannel = channel + 1;
      return { channel, queue };
    }
    return this.#work.length > 0 ? "work" : undefined;
  }
}

/** At which places of `order` the channel stands. */
function turnsOf(channel: number, order: readonly number[]): readonly number[] {
  return order.flatMap((one, turn) => (one === channel ? [turn] : []));
}
