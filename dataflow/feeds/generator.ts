/**
 * Lines made by a function of their index: for demonstrations, measurements and tests. Source s of n
 * makes the indexes s, s + n, s + 2n and so on; objects become JSON.
 *
 *     job("load").from(generator({ create: (index) => ({ index }), count: 1_000_000 })).lines()
 */
import { checkFeedName, checkInteger } from "./check-feed.ts";
import type { Generator } from "./feed.ts";

export interface GeneratorOptions {
  /** Must be a pure function: an index whose line was not yet durable is asked for again. */
  readonly create: (index: number) => string | object;
  /** Lines in all; the feed ends with them. Without it: no end. */
  readonly count?: number;
  /** Over all sources, by the clock. A source that slept or was full catches up with one second at most. */
  readonly ratePerSecond?: number;
  /** Of the feed's progress. Default: "generator". */
  readonly name?: string;
}

export function generator(options: GeneratorOptions): Generator {
  const { create, count, ratePerSecond, name = "generator" } = options;
  if (count !== undefined) {
    checkInteger("count", count, { least: 0, most: Number.MAX_SAFE_INTEGER });
  }
  if (ratePerSecond !== undefined && !(ratePerSecond > 0 && ratePerSecond <= 10_000_000)) {
    throw new RangeError(
      `ratePerSecond is ${ratePerSecond}. Write a number above 0, up to 10000000.`,
    );
  }
  return { kind: "generator", name: checkFeedName(name), create, count, ratePerSecond };
}
