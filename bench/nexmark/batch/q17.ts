/**
 * Query 17, auction statistics: per auction and day (UTC, by event time), the bids in total and by rank of
 * price (bid-statistics.ts), and the lowest, highest, average (fraction cut off) and total price.
 * Emitted: a stream gives new statistics whenever a bid changes them, keyed by auction and day.
 * Compare: the last row of each auction and day.
 */
import { bidCounts } from "./bid-statistics.ts";
import { utcDay } from "./calendar.ts";
import { bidsOf, groupBy } from "./events-of.ts";
import { integerAverage, largestOf, smallestOf, sumOf } from "./prices.ts";
import type { BatchQuery } from "./result-row.ts";

export const q17: BatchQuery = (events) =>
  [...groupBy(bidsOf(events), (bid) => `${bid.auction} ${utcDay(bid.dateTime)}`).values()].map(
    (bids) => {
      const prices = bids.map((bid) => bid.price);
      return {
        auction: bids[0]!.auction,
        day: utcDay(bids[0]!.dateTime),
        ...bidCounts(bids),
        minPrice: smallestOf(prices),
        maxPrice: largestOf(prices),
        averagePrice: integerAverage(prices),
        sumPrice: sumOf(prices),
      };
    },
  );
