/**
 * Makes the lines of a generator that are this source's share: the indexes that leave its number when
 * divided by the number of sources. The rate goes by the time that is stored with the last index, so
 * neither sleep nor crashes make it faster; at most one second is caught up with.
 */
import type { Generator } from "../../../dataflow/feeds/feed.ts";
import { lineOf, segmentsOfText } from "../../lines/segments-of-text.ts";
import type { FeedReader, FeedStep } from "./feed-reader.ts";

export interface GeneratorReaderOptions {
  readonly feed: Generator;
  readonly source: number;
  readonly sources: number;
  readonly now: () => number;
  readonly isUtf8: (bytes: Uint8Array) => boolean;
  readonly progress: object | undefined;
}

interface Progress {
  /** Lines this source has made. */
  readonly made: number;
  /** The rate is used up to this time, ms since the epoch. */
  readonly usedUntil: number;
}

const mostLinesAtOnce = 10_000;
/** Characters of one batch: their UTF-8 fits into a segment. */
const mostCharacters = 256 * 1024;

export class GeneratorReader implements FeedReader {
  readonly #options: GeneratorReaderOptions;
  #progress: Progress;

  constructor(options: GeneratorReaderOptions) {
    this.#options = options;
    this.#progress = (options.progress as Progress | undefined) ?? {
      made: 0,
      usedUntil: -Infinity,
    };
  }

  async next(): Promise<FeedStep> {
    const left = this.#share - this.#progress.made;
    if (left <= 0) return { segments: [], cost: 0, next: "end" };
    const { lines, usedUntil } = this.#allowance();
    if (lines < 1) {
      return { segments: [], cost: 0, next: { waitUntil: Math.ceil(usedUntil + this.#lineMs) } };
    }
    const { text, count } = this.#make(Math.min(left, lines, mostLinesAtOnce));
    const segments = segmentsOfText(text, this.#options.isUtf8);
    const progress: Progress = {
      made: this.#progress.made + count,
      usedUntil: usedUntil + count * this.#lineMs,
    };
    this.#progress = progress;
    const cost = text.length;
    return { segments, progress, cost, next: count === left ? "end" : "again" };
  }

  describe(): Readonly<Record<string, number>> {
    return { made: this.#progress.made };
  }

  close(): void {}

  /** Lines this source makes in all. */
  get #share(): number {
    const { feed, source, sources } = this.#options;
    if (feed.count === undefined) return Infinity;
    return Math.max(0, Math.ceil((feed.count - source) / sources));
  }

  /** Milliseconds from one line of this source to the next; 0 without a rate. */
  get #lineMs(): number {
    const { feed, sources } = this.#options;
    return feed.ratePerSecond === undefined ? 0 : (1_000 * sources) / feed.ratePerSecond;
  }

  /** How many lines the rate allows now, and the time it is counted from. */
  #allowance(): { readonly lines: number; readonly usedUntil: number } {
    const now = this.#options.now();
    const lineMs = this.#lineMs;
    if (lineMs === 0) return { lines: Infinity, usedUntil: now };
    const earliest = now - Math.max(1_000, lineMs);
    const usedUntil = Math.max(this.#progress.usedUntil, earliest);
    return { lines: Math.floor((now - usedUntil) / lineMs), usedUntil };
  }

  #make(most: number): { readonly text: string; readonly count: number } {
    const { feed, source, sources } = this.#options;
    const lines: string[] = [];
    let characters = 0;
    while (lines.length < most && characters < mostCharacters) {
      const line = lineOf(feed.create(source + (this.#progress.made + lines.length) * sources));
      lines.push(line);
      characters += line.length + 1;
    }
    return { text: lines.join("\n"), count: lines.length };
  }
}
