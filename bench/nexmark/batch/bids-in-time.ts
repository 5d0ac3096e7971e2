/**
 * Auctions with the bids that count: those on the auction, made from the instant it was listed to the instant
 * it expires, both included. Queries 4 and 9 choose among them. Auctions without such a bid are left out.
 */
import type { Auction, Bid, NexmarkEvent } from "../generator/event.ts";
import { auctionsOf, bidsOf, groupBy } from "./events-of.ts";

export interface AuctionWithBids {
  readonly auction: Auction;
  /** At least one. */
  readonly bids: readonly Bid[];
}

export function auctionsWithBidsInTime(events: readonly NexmarkEvent[]): AuctionWithBids[] {
  const bidsByAuction = groupBy(bidsOf(events), (bid) => bid.auction);
  return auctionsOf(events)
    .map((auction) => ({
      auction,
      bids: (bidsByAuction.get(auction.id) ?? []).filter(
        (bid) => bid.dateTime >= auction.dateTime && bid.dateTime <= auction.expires,
      ),
    }))
    .filter(({ bids }) => bids.length > 0);
}
