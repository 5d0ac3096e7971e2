/** Query 12, processing-time windows: a bidder's bids in each 10 s of the time at which they arrive. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q12(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q12", options))
    .map(({ bidder }) => bidder)
    .keyBy((bidder) => bidder, "integer")
    .window(tumblingWindows(10_000, { time: "processing" }))
    .count("bids-per-window", (bidCount, { key, window }) => [
      { bidder: key, bidCount, windowStart: window.start, windowEnd: window.end },
    ])
    .output();
}
