/**
 * The results of a partition as they are computed, for whoever watches right now. Not committed: a
 * restore computes some of them again, and what nobody has asked for in time is skipped.
 *
 * Promise: nothing is kept, and results cost one comparison each, while nobody watches.
 */
import type { ResultsAnswer, ResultsRequest } from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import { Signal } from "./signal.ts";

/** A watcher is gone when it has not asked for this long. */
const WATCHED_MS = 10_000;
/** The oldest results are skipped beyond these. Characters bound the answer: a few bytes each. */
const KEPT_RESULTS = 1_000;
const KEPT_CHARACTERS = 1024 * 1024;
const LONGEST_WAIT_MS = 30_000;

export class LiveResults {
  readonly #context: ObjectContext;
  /** Tells the positions of this memory from those of an earlier one. */
  readonly #memory: string;
  readonly #arrived = new Signal();
  #results: string[] = [];
  #characters = 0;
  /** Position of the first result kept. */
  #first = 0;
  #watchers = 0;
  /** Absent: nobody has watched since results were last let go. */
  #watchedUntil: number | undefined;

  constructor(context: ObjectContext) {
    this.#context = context;
    this.#memory = context.environment.newId();
  }

  /** A result as a JSON object: kept while somebody watches. */
  offer(result: string): void {
    if (this.#watchers === 0) {
      if (this.#watchedUntil === undefined) return;
      if (this.#watchedUntil <= this.#context.environment.now()) return this.#letGo();
    }
    this.#results.push(result);
    this.#characters += result.length;
    while (this.#results.length > KEPT_RESULTS || this.#characters > KEPT_CHARACTERS) {
      this.#characters -= this.#results.shift()!.length;
      this.#first++;
    }
    this.#arrived.raise();
  }

  /** Results after a position, at once or as soon as there is one; none after `waitMs`. Without a position: from now on. */
  async await({ after, waitMs }: ResultsRequest): Promise<ResultsAnswer> {
    const { environment } = this.#context;
    const from = this.#positionOf(after);
    this.#watchers++;
    if (from >= this.#first + this.#results.length) {
      await this.#arrived.wait(this.#context, Math.min(waitMs, LONGEST_WAIT_MS));
    }
    this.#watchers--;
    this.#watchedUntil = environment.now() + WATCHED_MS;
    const begin = Math.max(from, this.#first);
    return {
      results: this.#results.slice(begin - this.#first),
      skipped: begin - from,
      next: `${this.#memory}-${this.#first + this.#results.length}`,
    };
  }

  #letGo(): void {
    this.#first += this.#results.length;
    this.#results = [];
    this.#characters = 0;
    this.#watchedUntil = undefined;
  }

  #positionOf(after: string | undefined): number {
    const end = this.#first + this.#results.length;
    if (after === undefined) return end;
    const [memory, position] = after.split("-");
    return memory === this.#memory ? Math.min(Number(position), end) : 0;
  }
}
