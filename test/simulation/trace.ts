/**
 * What happened in a simulation, line by line: a checksum over every line (two runs of one seed must
 * agree on it) and the last lines themselves, for the person who reads a failure.
 */
import { crc32 } from "node:zlib";

const KEPT_LINES = 4_000;

export class Trace {
  #checksum = 0;
  #lines: string[] = [];
  #count = 0;

  record(time: number, line: string): void {
    const whole = `${time} ${line}`;
    this.#checksum = crc32(whole, this.#checksum);
    this.#count++;
    this.#lines.push(whole);
    if (this.#lines.length >= 2 * KEPT_LINES) this.#lines = this.#lines.slice(-KEPT_LINES);
  }

  /** Equal for equal runs. */
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
