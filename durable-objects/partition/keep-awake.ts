/**
 * Keeps a partition in memory while it has changes that no completed checkpoint holds and a checkpoint
 * will come by itself: losing them would mean replaying them [24]. A set timer is what keeps an object.
 *
 * Bounded: after three intervals without a new change it gives up, since losing memory is never wrong.
 */
import type { ObjectContext, Timer } from "../object-context.ts";

const INTERVALS = 3;

export class KeepAwake {
  readonly #context: Pick<ObjectContext, "setTimer">;
  readonly #intervalMs: number;
  readonly #hasChanges: () => boolean;
  #intervalsLeft = 0;
  #timer: Timer | undefined;

  /** `intervalMs`: between checkpoints, 0 when they come only on request. */
  constructor(
    context: Pick<ObjectContext, "setTimer">,
    intervalMs: number,
    hasChanges: () => boolean,
  ) {
    this.#context = context;
    this.#intervalMs = intervalMs;
    this.#hasChanges = hasChanges;
  }

  /** Something changed. */
  changed(): void {
    if (this.#intervalMs === 0) return;
    this.#intervalsLeft = INTERVALS;
    if (this.#timer === undefined) this.#set();
  }

  /** A checkpoint completed: the object may go if it holds everything. */
  completed(): void {
    if (!this.#hasChanges()) this.stop();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #set(): void {
    this.#timer = this.#context.setTimer(this.#intervalMs, () => {
      this.#timer = undefined;
      this.#intervalsLeft -= 1;
      if (this.#intervalsLeft > 0 && this.#hasChanges()) this.#set();
    });
  }
}
