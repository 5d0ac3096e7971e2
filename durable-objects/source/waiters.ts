/** Those who wait until the source has cut everything before a line. */
import type { ObjectContext } from "../object-context.ts";

interface Waiter {
  readonly line: number;
  readonly settle: () => void;
}

export class ProcessedWaiters {
  readonly #context: ObjectContext;
  readonly #processedLine: () => number;
  readonly #waiting = new Set<Waiter>();

  constructor(context: ObjectContext, processedLine: () => number) {
    this.#context = context;
    this.#processedLine = processedLine;
  }

  /** Resolves once every line before `line` is processed, or after `timeoutMs`. */
  async wait(line: number, timeoutMs: number): Promise<void> {
    if (this.#processedLine() >= line) return;
    await new Promise<void>((resolve) => {
      const timer = this.#context.setTimer(timeoutMs, () => waiter.settle());
      const waiter: Waiter = {
        line,
        settle: () => {
          timer.cancel();
          this.#waiting.delete(waiter);
          resolve();
        },
      };
      this.#waiting.add(waiter);
    });
  }

  check(): void {
    const processedLine = this.#processedLine();
    for (const waiter of this.#waiting) {
      if (waiter.line <= processedLine) waiter.settle();
    }
  }
}
