/**
 * Query 5, hot items: the auctions with the most bids in the last 10 s, every 2 s. The first stage counts each
 * auction's bids per sliding window; the second gathers the counts of one window, which all carry its last
 * moment, and keeps the highest.
 */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { slidingWindows, tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import { bidsIn, timedNexmarkEvents } from "./nexmark-streams.ts";

const SLIDE_MS = 2000;

interface AuctionCount {
  readonly auction: number;
  readonly bidCount: number;
  readonly windowStart: number;
  readonly windowEnd: number;
}

export function q5(options: JobOptionsInput = {}) {
  return bidsIn(timedNexmarkEvents("nexmark-q5", options))
    .map(({ auction }) => auction)
    .keyBy((auction) => auction, "integer")
    .window(slidingWindows(10_000, SLIDE_MS))
    .count("bids-per-auction", (bidCount, { key, window }): AuctionCount[] => [
      { auction: key, bidCount, windowStart: window.start, windowEnd: window.end },
    ])
    .keyBy(({ windowStart }) => windowStart, "integer")
    .window(tumblingWindows(SLIDE_MS))
    .aggregate(
      "hot-items",
      {
        createAccumulator: (): readonly AuctionCount[] => [],
        add: (hottest, count: AuctionCount) => hottestOf(hottest, [count]),
        getResult: (hottest) => hottest,
        merge: hottestOf,
      },
      (hottest) => hottest,
    )
    .output();
}

/** Both hold counts that are all equal, or nothing. */
function hottestOf(
  one: readonly AuctionCount[],
  other: readonly AuctionCount[],
): readonly AuctionCount[] {
  const difference = (one[0]?.bidCount ?? 0) - (other[0]?.bidCount ?? 0);
  if (difference === 0) return [...one, ...other];
  return difference > 0 ? one : other;
}
