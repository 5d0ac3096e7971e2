/** Query 18, last bid: of each bidder on each auction the latest by event time; ties go by batch/bid-order.ts. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { latestFirst } from "../batch/bid-order.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q18(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q18", options))
    .keyBy(({ bidder, auction }) => `${bidder} ${auction}`)
    .reduce("last-bids", (kept, bid) => (latestFirst(bid, kept) < 0 ? bid : kept))
    .mapValue(({ auction, bidder, price, channel, url, dateTime, extra }) => ({
      auction,
      bidder,
      price,
      channel,
      url,
      dateTime,
      extra,
    }))
    .output();
}
