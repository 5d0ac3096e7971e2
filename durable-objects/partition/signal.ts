/**
 * Waiting for something that may not come: for a moment that passes, or for an event with a limit.
 * Timers are the context's, so a wait ends with the object's memory.
 */
import type { ObjectContext } from "../object-context.ts";

type Timers = Pick<ObjectContext, "setTimer">;

/** Resolves after `delayMs`. */
export function delay(context: Timers, delayMs: number): Promise<void> {
  return new Promise((resolve) => void context.setTimer(delayMs, resolve));
}

/** An event that any number of callers wait for. */
export class Signal {
  readonly #waiters = new Set<() => void>();

  /** Lets everyone go on who waits now. */
  raise(): void {
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }

  /** Resolves at the next raise, or after `limitMs`. */
  wait(context: Timers, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = context.setTimer(limitMs, () => {
        this.#waiters.delete(waiter);
        resolve();
      });
      const waiter = (): void => {
        timer.cancel();
        resolve();
      };
      this.#waiters.add(waiter);
    });
  }
}
