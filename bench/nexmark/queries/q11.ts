/** Query 11, user sessions: a bidder's bids per session, which ends after 10 s without a bid. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { sessionWindows } from "../../../dataflow/windows/assigners.ts";
import { bidsIn, timedNexmarkEvents } from "./nexmark-streams.ts";

export function q11(options: JobOptionsInput = {}) {
  return bidsIn(timedNexmarkEvents("nexmark-q11", options))
    .map(({ bidder }) => bidder)
    .keyBy((bidder) => bidder, "integer")
    .window(sessionWindows<number>(10_000))
    .count("bids-per-session", (bidCount, { key, window }) => [
      { bidder: key, bidCount, windowStart: window.start, windowEnd: window.end },
    ])
    .output();
}
