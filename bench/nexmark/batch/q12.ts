/**
 * Query 12, processing-time windows: how many bids a bidder makes in each 10 s of processing time.
 * When a bid is processed is not in the data, so no batch can know the windows; what it knows is that every bid
 * is in exactly one of them. It gives the bids per bidder over all windows.
 * Emitted: a stream gives { bidder, bidCount, windowStart, windowEnd } when the clock passes the window's end.
 * Compare: the sum of `bidCount` per bidder.
 */
import { bidsOf, groupBy } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";

export const q12: BatchQuery = (events) =>
  [...groupBy(bidsOf(events), (bid) => bid.bidder)].map(([bidder, bids]) => ({
    bidder,
    bidCount: bids.length,
  }));
