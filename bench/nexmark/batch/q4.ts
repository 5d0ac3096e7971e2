/**
 * Query 4, average price for a category: over the category's auctions, the average of each one's highest bid
 * made in time (from listing to expiry, both included), fraction cut off. Auctions without such a bid do not
 * count. Emitted: a stream gives a new average whenever a bid changes it, keyed by category.
 * Compare: the last row of each category.
 */
import { auctionsWithBidsInTime } from "./bids-in-time.ts";
import { groupBy } from "./events-of.ts";
import { integerAverage, largestOf } from "./prices.ts";
import type { BatchQuery } from "./result-row.ts";

export const q4: BatchQuery = (events) => {
  const finals = auctionsWithBidsInTime(events).map(({ auction, bids }) => ({
    category: auction.category,
    finalPrice: largestOf(bids.map((bid) => bid.price)),
  }));
  return [...groupBy(finals, (final) => final.category)].map(([category, group]) => ({
    category,
    averagePrice: integerAverage(group.map((final) => final.finalPrice)),
  }));
};
