/** Query 9, winning bids: each auction with its winning bid, anew whenever a better one arrives. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import type { Auction, Bid } from "../generator/event.ts";
import { auctionsIn, bidsIn, nexmarkEvents } from "./nexmark-streams.ts";
import { winningBids } from "./winning-bids.ts";

export function q9(options: JobOptionsInput = {}) {
  const events = nexmarkEvents("nexmark-q9", options);
  return auctionsIn(events)
    .keyBy(({ id }) => id, "integer")
    .connect(bidsIn(events).keyBy(({ auction }) => auction, "integer"))
    .process("winning-bids", winningBids(rowOf))
    .output();
}

function rowOf({ kind: _kind, ...auction }: Auction, winner: Bid) {
  return {
    id: auction.id,
    itemName: auction.itemName,
    description: auction.description,
    initialBid: auction.initialBid,
    reserve: auction.reserve,
    dateTime: auction.dateTime,
    expires: auction.expires,
    seller: auction.seller,
    category: auction.category,
    extra: auction.extra,
    auction: winner.auction,
    bidder: winner.bidder,
    price: winner.price,
    bidDateTime: winner.dateTime,
    bidExtra: winner.extra,
  };
}
