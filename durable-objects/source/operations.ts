/** Counts what is billed where it happens, until a report takes it to the coordinator. */
import type { OperationCounts } from "../messages.ts";

export class OperationCounter {
  #rowsWritten = 0;
  #requests = 0;

  addRowsWritten(rows: number): void {
    this.#rowsWritten += rows;
  }

  addRequest(): void {
    this.#requests++;
  }

  /** What happened since the last take. A report that is lost takes its counts with it. */
  take(): OperationCounts {
    const counts = {
      classA: 0,
      classB: 0,
      rowsWritten: this.#rowsWritten,
      requests: this.#requests,
    };
    this.#rowsWritten = 0;
    this.#requests = 0;
    return counts;
  }
}
