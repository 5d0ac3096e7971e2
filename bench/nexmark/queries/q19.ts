/**
 * Query 19, top ten: the ten highest bids of each auction with their places, anew whenever one of them changes.
 * Ties go by batch/bid-order.ts.
 */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { highestFirst } from "../batch/bid-order.ts";
import type { Bid } from "../generator/event.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q19(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q19", options))
    .keyBy(({ auction }) => auction, "integer")
    .topN("top-ten", { n: 10, compare: highestFirst })
    .mapValue((ranking) => ranking.map((bid, place) => rowOf(bid, place + 1)))
    .output();
}

function rowOf(bid: Bid, rankNumber: number) {
  const { auction, bidder, price, channel, url, dateTime, extra } = bid;
  return { auction, bidder, price, channel, url, dateTime, extra, rankNumber };
}
