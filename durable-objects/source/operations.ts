/** Counts what is billed where it happens, until a report takes it to the coordinator. */
import type { OperationCounts } from "../messages.ts";

export class OperationCounter {
  #classA = 0;
  #classB = 0;
  #rowsWritten = 0;
  #requests = 0;

  /** R2 put or list. */
  addClassA(): void {
    this.#classA++;
  }

  /** R2 get or head. */
  addClassB(): void {
    this.#classB++;
  }

  addRowsWritten(rows: number): void {
    this.#rowsWritten += rows;
  }

  addRequest(): void {
    this.#requests++;
  }

  /** What happened since the last take. A report that is lost takes its counts with it. */
  take(): OperationCounts {
    const counts = {
      classA: this.#classA,
      classB: this.#classB,
      rowsWritten: this.#rowsWritten,
      requests: this.#requests,
    };
    this.#classA = 0;
    this.#classB = 0;
    this.#rowsWritten = 0;
    this.#requests = 0;
    return counts;
  }
}
