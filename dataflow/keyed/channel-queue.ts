/**
 * The turns of one input channel, in the order in which they arrived. Taking from the front is
 * constant time; there is no limit here, because the sender's credit is the limit.
 */

/** Positions taken before the array is cut: keeps the cost of a take constant on average. */
const TAKEN_BEFORE_CUT = 64;

export class ChannelQueue<Turn> {
  #turns: Turn[] = [];
  #taken = 0;

  get length(): number {
    return this.#turns.length - this.#taken;
  }

  push(turn: Turn): void {
    this.#turns.push(turn);
  }

  peek(): Turn | undefined {
    return this.#turns[this.#taken];
  }

  /** What is in it, oldest first. */
  waiting(): readonly Turn[] {
    return this.#turns.slice(this.#taken);
  }

  take(): Turn | undefined {
    if (this.length === 0) return undefined;
    const turn = this.#turns[this.#taken];
    this.#taken += 1;
    if (this.#taken === this.#turns.length || this.#taken === TAKEN_BEFORE_CUT) {
      this.#turns = this.#turns.slice(this.#taken);
      this.#taken = 0;
    }
    return turn;
  }

  /** Empties the queue and answers what was in it. */
  clear(): readonly Turn[] {
    const left = this.#turns.slice(this.#taken);
    this.#turns = [];
    this.#taken = 0;
    return left;
  }
}
