/** Query 1, currency conversion: bids with their price in euros, exact to three places. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q1(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q1", options))
    .map(({ auction, bidder, price, dateTime, extra }) => ({
      auction,
      bidder,
      price: (price * 908) / 1000,
      dateTime,
      extra,
    }))
    .output();
}
