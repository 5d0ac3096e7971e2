/**
 * Where the watermark generators of a job stand at which line of the log [13]. A generator's state is
 * a function of the log up to a line, so a channel that was sent back goes on from the state at its
 * position, not from the newest one.
 *
 * Kept in memory: the states at pinned lines (checkpoints) and at the newest ends of batches. Any other
 * line is reached by running the lines from the nearest one kept before it.
 */
import { WatermarkProgress } from "../../dataflow/time/watermark-progress.ts";
import type { WatermarkStrategy } from "../../dataflow/time/watermark-strategy.ts";

/** Ends of batches kept. */
const MOST_KEPT = 64;

export class WatermarkPositions {
  readonly #strategies: readonly WatermarkStrategy<unknown>[];
  readonly #pinned = new Map<number, string>();
  readonly #kept = new Map<number, string>();

  constructor(strategies: readonly WatermarkStrategy<unknown>[]) {
    this.#strategies = strategies;
  }

  /** `state` as stateAt answered it; null at the beginning of the log, or when no generator had run yet. */
  pin(line: number, state: string | null): void {
    this.#pinned.set(line, state ?? "[]");
  }

  /** Nothing before this line is replayed any more. */
  forgetBefore(line: number): void {
    for (const states of [this.#pinned, this.#kept]) {
      for (const kept of states.keys()) if (kept < line) states.delete(kept);
    }
  }

  keep(line: number, progress: readonly WatermarkProgress<unknown>[]): void {
    this.#kept.delete(line);
    this.#kept.set(line, JSON.stringify(progress.map((one) => one.save())));
    if (this.#kept.size <= MOST_KEPT) return;
    for (const oldest of this.#kept.keys()) return void this.#kept.delete(oldest);
  }

  /** The furthest line, not after `line`, whose state is kept. */
  nearest(line: number): number {
    const known = [...this.#pinned.keys(), ...this.#kept.keys()].filter((one) => one <= line);
    if (known.length > 0) return Math.max(...known);
    throw new Error(
      `The watermark at line ${line} cannot be worked out: no state before it is kept.`,
    );
  }

  /** The state at a line that nearest() has answered. */
  stateAt(line: number): string {
    const state = this.#kept.get(line) ?? this.#pinned.get(line);
    if (state === undefined) throw new Error(`No watermark state is kept for line ${line}.`);
    return state;
  }

  open(line: number): readonly WatermarkProgress<unknown>[] {
    const saved = JSON.parse(this.stateAt(line)) as readonly string[];
    return this.#strategies.map((strategy, index) => new WatermarkProgress(strategy, saved[index]));
  }
}
