/** Query 2, selection: price of the bids on auctions whose id is a multiple of 123. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q2(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q2", options))
    .filter((bid) => bid.auction % 123 === 0)
    .map(({ auction, price }) => ({ auction, price }))
    .output();
}
