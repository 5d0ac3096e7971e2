/**
 * Query 5, hot items: the auctions with the most bids in the last 10 seconds, every 2 seconds. Sliding
 * event-time windows of 10 s starting at every multiple of 2 s; in each, the bids per auction are counted and
 * the auctions with the highest count are given, all of them if several tie. The published query leaves
 * the window out of its rows; here it is in, so that rows of different windows do not pass for one another.
 * Emitted: once per window, when the watermark passes its end. Windows without bids give nothing.
 * Compare: as a bag of rows.
 */
import { bidsOf, groupBy } from "./events-of.ts";
import { largestOf } from "./prices.ts";
import type { BatchQuery } from "./result-row.ts";
import { slidingWindows } from "./windows.ts";

export const q5: BatchQuery = (events) => {
  const bidsInWindows = bidsOf(events).flatMap((bid) =>
    slidingWindows(bid.dateTime, SIZE_MS, SLIDE_MS).map((window) => ({
      auction: bid.auction,
      windowStart: window.windowStart,
    })),
  );
  return [...groupBy(bidsInWindows, (bid) => bid.windowStart)].flatMap(
    ([windowStart, inWindow]) => {
      const counts = [...groupBy(inWindow, (bid) => bid.auction)].map(([auction, bids]) => ({
        auction,
        bidCount: bids.length,
        windowStart,
        windowEnd: windowStart + SIZE_MS,
      }));
      const highestCount = largestOf(counts.map((count) => count.bidCount));
      return counts.filter((count) => count.bidCount === highestCount);
    },
  );
};

const SIZE_MS = 10_000;
const SLIDE_MS = 2000;
