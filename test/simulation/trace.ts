/**
 * What happened in a simulation, line by line: a checksum over every line (two runs of one seed must
 * agree on it) and the last lines themselves, for the person who reads a failure.
 *
 * A trace may be kept short: then it only counts, and costs nothing. A run that fails is run again with
 * a full one; it repeats bit for bit.
 */
import { crc32 } from "node:zlib";
import type { Label } from "./scheduler.ts";

const KEPT_LINES = 4_000;

export class Trace {
  readonly #isFull: boolean;
  #checksum = 0;
  #lines: string[] = [];
  #count = 0;

  constructor(isFull = true) {
    this.#isFull = isFull;
  }

  record(time: number, label: Label): void {
    this.#count++;
    if (!this.#isFull) return;
    const whole = `${time} ${textOf(label)}`;
    this.#checksum = crc32(whole, this.#checksum);
    this.#lines.push(whole);
    if (this.#lines.length >= 2 * KEPT_LINES) this.#lines = this.#lines.slice(-KEPT_LINES);
  }

  /** Equal for equal runs. Of a short trace it says no more than how many lines there were. */
  get checksum(): string {
    return `${this.#count}:${this.#checksum.toString(16).padStart(8, "0")}`;
  }

  get count(): number {
    return this.#count;
  }

  /** The last `count` lines that `matches` lets through. */
  last(count: number, matches: (line: string) => boolean = () => true): readonly string[] {
    return this.#lines.filter(matches).slice(-count);
  }
}

export function textOf(label: Label): string {
  return typeof label === "string" ? label : label();
}
