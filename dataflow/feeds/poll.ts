/**
 * Lines fetched on a schedule: every `everyMs` one source asks a URL, or calls a function, and appends
 * the answer. A tick's answer enters the log once, whatever crashes; the request may be made again.
 * After a pause that spans several ticks only the latest is made up for. An answer that fails is tried
 * again until the next tick is due.
 *
 *     job("weather").from(poll({ everyMs: 60_000, request: "https://example.com/weather.ndjson" }))
 */
import { checkFeedName, checkInteger } from "./check-feed.ts";
import type { Poll, PollFunction } from "./feed.ts";

export interface PollOptions {
  /** At least one second. */
  readonly everyMs: number;
  /** A URL whose body is lines, or a function that answers them. */
  readonly request: string | PollFunction;
  /** Of the feed's progress. Default: "poll". */
  readonly name?: string;
}

export function poll({ everyMs, request, name = "poll" }: PollOptions): Poll {
  checkInteger("everyMs", everyMs, { least: 1_000, most: 365 * 86_400_000 });
  if (typeof request === "string" && !/^https?:\/\//.test(request)) {
    throw new RangeError(`request is "${request}". Write a URL with http(s), or a function.`);
  }
  return { kind: "poll", name: checkFeedName(name), everyMs, request };
}
