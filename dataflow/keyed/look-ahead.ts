/**
 * When a record is short of state, those behind it soon will be: they are run ahead of their turn, without
 * effect, so that what they miss is fetched in the same round [31]. The same holds for timers that are due
 * together.
 *
 * Promise: nothing is done by it, so order and results are as without it; a wrong guess costs a later fetch. What
 * is brought ahead fits in half of the cache's room (StateEngine.fetch). Where memory is too tight for it to
 * last until its turn, half as many look ahead the next time, down to none; a few more each time that it lasts,
 * because a frame that waits for room to write gets room to read again. Looking ahead costs at most LEAST_REHEARSALS + REHEARSALS_EACH times the runs of what gets done.
 */
import type { KeyedRecord } from "../operators/runner-types.ts";
import type { OperatorRunner } from "../operators/operator-runner.ts";
import type { EngineStateStore } from "../state/engine-state-store.ts";

/** Records and timers that look ahead at once, at most. */
const MOST_AT_ONCE = 4096;
/** What may be run ahead of its turn before anything has been done. */
const LEAST_REHEARSALS = 4096;
/** And for each record or timer done. */
const REHEARSALS_EACH = 8;

/** A record that waits for its turn, of a partitioned input. */
export interface UpcomingRecord extends KeyedRecord {
  readonly input: number;
}

type Runner = Pick<OperatorRunner, "completed" | "rehearse" | "rehearseTimers">;
type Store = Pick<EngineStateStore, "forgetAhead" | "lookAhead" | "lostAhead">;

export class LookAhead {
  readonly #runner: Runner;
  readonly #store: Store;
  /** How many look ahead at once, as long as what they miss lasts until their turn. */
  #horizon = MOST_AT_ONCE;
  /** How many did, the last time. */
  #looked = 0;
  #rehearsed = 0;
  #completedBefore = 0;

  constructor(runner: Runner, store: Store) {
    this.#runner = runner;
    this.#store = store;
  }

  /** Something is about to wait for state, for the first time in its batch. */
  begin(): void {
    this.#rehearsed = 0;
    this.#completedBefore = this.#runner.completed;
  }

  /** The batch is done. */
  end(): void {
    this.#store.forgetAhead();
  }

  /** Something was short of state: so will be what is due with it, and `upcoming` records. Fetch next. */
  look(upcoming: Iterable<UpcomingRecord>): void {
    if (this.#store.lostAhead > 0) {
      this.#horizon = Math.min(this.#horizon, this.#looked) >> 1;
      this.#store.forgetAhead();
    } else {
      this.#horizon = Math.min(MOST_AT_ONCE, this.#horizon + (this.#horizon >> 2) + 1);
    }
    const done = this.#runner.completed - this.#completedBefore;
    const allowed = LEAST_REHEARSALS + REHEARSALS_EACH * done - this.#rehearsed;
    const most = Math.min(this.#horizon, allowed);
    const before = this.#rehearsed;
    if (most > 0) this.#store.lookAhead(() => this.#rehearse(upcoming, most));
    this.#looked = this.#rehearsed - before;
  }

  #rehearse(upcoming: Iterable<UpcomingRecord>, most: number): void {
    let rehearsed = this.#runner.rehearseTimers(most);
    this.#rehearsed += rehearsed;
    if (rehearsed >= most) return;
    for (const record of upcoming) {
      this.#runner.rehearse(record.input, record);
      this.#rehearsed += 1;
      rehearsed += 1;
      if (rehearsed >= most) return;
    }
  }
}
