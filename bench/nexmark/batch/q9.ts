/**
 * Query 9, winning bids: each auction with its highest bid made in time (from listing to expiry, both
 * included); of equal prices the earliest wins, then see bid-order.ts. Auctions without such a bid give nothing.
 * Emitted: a stream gives a new row whenever a better bid arrives, keyed by the auction's id.
 * Compare: the last row of each id.
 */
import { highestFirst } from "./bid-order.ts";
import { auctionsWithBidsInTime } from "./bids-in-time.ts";
import type { BatchQuery } from "./result-row.ts";

export const q9: BatchQuery = (events) =>
  auctionsWithBidsInTime(events).map(({ auction, bids }) => {
    const winner = bids.toSorted(highestFirst)[0]!;
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
  });
