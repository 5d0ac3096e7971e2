/**
 * Query 7, highest bid of each 10 s of event time. The first stage finds it per auction, so that the work is
 * spread; the second, with one key, finds the highest of these. Bids of the same price all count.
 */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import type { Bid } from "../generator/event.ts";
import { bidsIn, timedNexmarkEvents } from "./nexmark-streams.ts";

type RankedBid = Omit<Bid, "kind" | "channel" | "url">;

const SIZE_MS = 10_000;

export function q7(options: JobOptionsInput = {}) {
  return bidsIn(timedNexmarkEvents("nexmark-q7", options))
    .map(({ auction, bidder, price, dateTime, extra }): RankedBid => ({
      auction,
      bidder,
      price,
      dateTime,
      extra,
    }))
    .keyBy(({ auction }) => auction, "integer")
    .window(tumblingWindows(SIZE_MS))
    .aggregate("highest-per-auction", highestBids, (bids) => bids)
    .keyBy(() => "all auctions")
    .window(tumblingWindows(SIZE_MS))
    .aggregate("highest-bids", highestBids, (bids) => bids)
    .output();
}

const highestBids = {
  createAccumulator: (): readonly RankedBid[] => [],
  add: (highest: readonly RankedBid[], bid: RankedBid) => highestOf(highest, [bid]),
  getResult: (highest: readonly RankedBid[]) => highest,
  merge: highestOf,
};

/** Both hold bids of one price, or nothing. */
function highestOf(one: readonly RankedBid[], other: readonly RankedBid[]): readonly RankedBid[] {
  const difference = (one[0]?.price ?? 0) - (other[0]?.price ?? 0);
  if (difference === 0) return [...one, ...other];
  return difference > 0 ? one : other;
}
