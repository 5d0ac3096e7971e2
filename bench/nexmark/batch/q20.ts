/**
 * Query 20, expand bids: every bid on an auction of category 10, with that auction. An inner join on the
 * auction's id, without any bound in time: the bid may come before its auction.
 * Emitted: one row a pair, as soon as both have arrived; never taken back.
 * Compare: as a bag of rows.
 */
import { auctionsOf, bidsOf, joinOn } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";

export const q20: BatchQuery = (events) =>
  joinOn(
    bidsOf(events),
    (bid) => bid.auction,
    auctionsOf(events).filter((auction) => auction.category === 10),
    (auction) => auction.id,
  ).map(([bid, auction]) => ({
    auction: bid.auction,
    bidder: bid.bidder,
    price: bid.price,
    channel: bid.channel,
    url: bid.url,
    bidDateTime: bid.dateTime,
    bidExtra: bid.extra,
    itemName: auction.itemName,
    description: auction.description,
    initialBid: auction.initialBid,
    reserve: auction.reserve,
    auctionDateTime: auction.dateTime,
    expires: auction.expires,
    seller: auction.seller,
    category: auction.category,
    auctionExtra: auction.extra,
  }));
