/**
 * Runs a generator along one source's log: what a source keeps per position.
 *
 * Promise: the watermark after a line is a function of the log up to that line [13]; it never goes
 * back. Nothing is allocated per record by the built-in generators.
 */
import type { WatermarkGenerator, WatermarkStrategy } from "./watermark-strategy.ts";

export class WatermarkProgress<T> {
  readonly #timestampOf: (record: T) => number;
  readonly #generator: WatermarkGenerator<T>;
  #watermark: number;

  /** `saved`: what save() answered at the position to go on from. */
  constructor(strategy: WatermarkStrategy<T>, saved?: string) {
    this.#timestampOf = strategy.timestampOf;
    this.#generator = strategy.createGenerator(saved);
    this.#watermark = this.#generator.watermark;
  }

  get watermark(): number {
    return this.#watermark;
  }

  /** Takes in a record and answers its timestamp. Throws when it is not one. */
  onRecord(record: T): number {
    const timestamp = this.#timestampOf(record);
    if (!Number.isSafeInteger(timestamp)) {
      throw new TypeError(
        `The timestamp function answered ${String(timestamp)}. ` +
          `Answer whole milliseconds since the epoch, for instance Date.parse(...) of a valid date.`,
      );
    }
    this.#generator.onRecord(timestamp, record);
    this.#watermark = Math.max(this.#watermark, this.#generator.watermark);
    return timestamp;
  }

  /** The generator's state at this position. */
  save(): string {
    return this.#generator.save();
  }
}

/** Whether a source counts as idle [28]: silent for `idlenessMs`, with its log drained. */
export function isIdle(silentSince: number, now: number, idlenessMs: number): boolean {
  return now - silentSince >= idlenessMs;
}
