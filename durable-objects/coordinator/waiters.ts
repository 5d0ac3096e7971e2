/**
 * Callers that wait for the outcome of a request, in memory only: a request itself is a row, and a
 * caller whose coordinator lost its memory sees a broken call and asks again.
 */
import type { ObjectContext } from "../object-context.ts";

export type Outcome =
  | { readonly kind: "completed"; readonly checkpoint: number }
  /** The job does not run, or a final checkpoint failed. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** What those wait for who want to hear of the next completed checkpoint, whichever it is. */
export const commitsAwaited = "commits";

export class Waiters {
  readonly #context: ObjectContext;
  readonly #waiting = new Map<string, ((outcome: Outcome) => void)[]>();

  constructor(context: ObjectContext) {
    this.#context = context;
  }

  /** The outcome of `request`, or undefined after `timeoutMs`. */
  async wait(request: string, timeoutMs: number): Promise<Outcome | undefined> {
    const { promise, resolve } = Promise.withResolvers<Outcome | undefined>();
    const others = this.#waiting.get(request) ?? [];
    this.#waiting.set(request, [...others, resolve]);
    const timer = this.#context.setTimer(timeoutMs, () => resolve(undefined));
    try {
      return await promise;
    } finally {
      timer.cancel();
      const left = (this.#waiting.get(request) ?? []).filter((one) => one !== resolve);
      if (left.length === 0) this.#waiting.delete(request);
      else this.#waiting.set(request, left);
    }
  }

  settle(request: string, outcome: Outcome): void {
    for (const resolve of this.#waiting.get(request) ?? []) resolve(outcome);
  }
}
