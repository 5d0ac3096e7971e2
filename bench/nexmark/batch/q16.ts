/**
 * Query 16, channel statistics: per channel and day (UTC, by event time), the latest minute with a bid, and the
 * bids, distinct bidders and distinct auctions, in total and by rank of price (bid-statistics.ts).
 * Emitted: a stream gives new statistics whenever a bid changes them, keyed by channel and day.
 * Compare: the last row of each channel and day.
 */
import { bidCounts, distinctAuctionCounts, distinctBidderCounts } from "./bid-statistics.ts";
import { utcDay, utcMinute } from "./calendar.ts";
import { bidsOf, groupBy } from "./events-of.ts";
import { largestOf } from "./prices.ts";
import type { BatchQuery } from "./result-row.ts";

export const q16: BatchQuery = (events) =>
  [...groupBy(bidsOf(events), (bid) => `${bid.channel} ${utcDay(bid.dateTime)}`).values()].map(
    (bids) => ({
      channel: bids[0]!.channel,
      day: utcDay(bids[0]!.dateTime),
      minute: utcMinute(largestOf(bids.map((bid) => bid.dateTime))),
      ...bidCounts(bids),
      ...distinctBidderCounts(bids),
      ...distinctAuctionCounts(bids),
    }),
  );
