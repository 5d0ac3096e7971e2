/** Query 20, expand bids: every bid on an auction of category 10 with that auction, whichever comes first. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import type { Auction, Bid } from "../generator/event.ts";
import { auctionsIn, bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q20(options: JobOptionsInput = {}) {
  const events = nexmarkEvents("nexmark-q20", options);
  const auctions = auctionsIn(events)
    .filter(({ category }) => category === 10)
    .keyBy(({ id }) => id, "integer");
  return bidsIn(events)
    .keyBy(({ auction }) => auction, "integer")
    .connect(auctions)
    .join("bids-with-auction", {}, rowOf)
    .output();
}

function rowOf(bid: Bid, auction: Auction) {
  const { kind: _bidKind, dateTime: bidDateTime, extra: bidExtra, ...ofBid } = bid;
  const {
    kind: _kind,
    id: _id,
    dateTime,
    expires,
    seller,
    category,
    extra,
    ...ofAuction
  } = auction;
  return {
    ...ofBid,
    bidDateTime,
    bidExtra,
    ...ofAuction,
    auctionDateTime: dateTime,
    expires,
    seller,
    category,
    auctionExtra: extra,
  };
}
