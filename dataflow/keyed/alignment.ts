/**
 * Barrier alignment over the input channels of one task, as a state machine without I/O: which
 * channels are held, and when a checkpoint is aligned (Carbone et al., "Lightweight Asynchronous
 * Snapshots for Distributed Dataflows", 2015).
 *
 * Promise: between a channel's barrier n and the moment all channels have delivered it, the channel
 * is held; checkpoint numbers only rise, so an abort or a newer barrier decides every older one for
 * good, in whatever order they arrive [22]. It does not know what a channel carries.
 * Without holding (at least once, as Flink's CheckpointBarrierTracker) a channel goes on after its
 * barrier: what it carries until the others have delivered theirs is in the checkpoint, and comes again
 * after a restore.
 */

/**
 * "held": the channel waits for the others. "noted": it goes on without them. "aligned": this was the last one, every channel is free
 * again and the task's state is the checkpoint's. "givenUp": decided before, the barrier means nothing.
 */
export type Delivery = "held" | "noted" | "aligned" | "givenUp";

export class BarrierAlignment {
  readonly #holdsChannels: boolean;
  readonly #hasDelivered: boolean[];
  #deliveredCount = 0;
  /** The checkpoint being aligned; 0 when none is. */
  #pending = 0;
  /** Every checkpoint up to this one is aligned, aborted or overtaken. */
  #decided = 0;

  constructor(channelCount: number, { holdsChannels = true } = {}) {
    this.#holdsChannels = holdsChannels;
    this.#hasDelivered = Array.from<boolean>({ length: channelCount }).fill(false);
  }

  /** The checkpoint being aligned, undefined when none is. */
  get pending(): number | undefined {
    return this.#pending === 0 ? undefined : this.#pending;
  }

  isHeld(channel: number): boolean {
    return this.#holdsChannels && this.#hasDelivered[channel] === true;
  }

  /** Whether the checkpoint was aligned, aborted or overtaken by a newer one. */
  isDecided(checkpoint: number): boolean {
    return checkpoint <= this.#decided;
  }

  /** The channel's next turn is the barrier of `checkpoint`. A held channel has no turns. */
  deliver(channel: number, checkpoint: number): Delivery {
    if (this.isHeld(channel)) {
      throw new Error(
        `A held channel delivered a barrier: it must not be drained until it is released. channel=${channel} checkpoint=${checkpoint}`,
      );
    }
    if (checkpoint <= this.#decided) return "givenUp";
    if (checkpoint > this.#pending) this.#overtake(checkpoint);
    if (!this.#hasDelivered[channel]) this.#deliveredCount += 1;
    this.#hasDelivered[channel] = true;
    if (this.#deliveredCount < this.#hasDelivered.length) {
      return this.#holdsChannels ? "held" : "noted";
    }
    this.#decide(checkpoint);
    return "aligned";
  }

  /** Its barrier overtakes what stands before it: aligned without waiting for the turns that are missing. */
  conclude(checkpoint: number): void {
    if (checkpoint <= this.#decided) {
      throw new Error(`Checkpoint ${checkpoint} was decided before its barrier could overtake.`);
    }
    this.#decide(checkpoint);
  }

  /** Whether the channel's barrier of the checkpoint being aligned has taken its turn. */
  hasDelivered(channel: number): boolean {
    return this.#hasDelivered[channel] === true;
  }

  /** The coordinator gave the checkpoint up. Remembered even if no barrier of it has come yet. */
  abort(checkpoint: number): void {
    if (this.#pending !== 0 && this.#pending <= checkpoint) this.#decide(checkpoint);
    else this.#decided = Math.max(this.#decided, checkpoint);
  }

  /** A newer checkpoint is only triggered once the older one is decided: its barrier says so. */
  #overtake(checkpoint: number): void {
    this.#decide(Math.max(this.#decided, checkpoint - 1));
    this.#pending = checkpoint;
  }

  #decide(checkpoint: number): void {
    this.#decided = Math.max(this.#decided, checkpoint);
    this.#pending = 0;
    this.#hasDelivered.fill(false);
    this.#deliveredCount = 0;
  }
}
