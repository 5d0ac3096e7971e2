/**
 * Query 15, bidding statistics: per day (UTC, by event time), the bids, distinct bidders and distinct auctions,
 * in total and by rank of price (bid-statistics.ts).
 * Emitted: a stream gives new statistics of the day whenever a bid changes them, keyed by day.
 * Compare: the last row of each day.
 */
import { bidCounts, distinctAuctionCounts, distinctBidderCounts } from "./bid-statistics.ts";
import { utcDay } from "./calendar.ts";
import { bidsOf, groupBy } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";

export const q15: BatchQuery = (events) =>
  [...groupBy(bidsOf(events), (bid) => utcDay(bid.dateTime))].map(([day, bids]) => ({
    day,
    ...bidCounts(bids),
    ...distinctBidderCounts(bids),
    ...distinctAuctionCounts(bids),
  }));
