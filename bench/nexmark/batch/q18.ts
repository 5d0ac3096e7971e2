/**
 * Query 18, last bid: of each bidder on each auction, the latest bid by event time; of several in the same
 * millisecond (common: hot bidders bid on hot auctions) the highest price, then see bid-order.ts. Flink would take
 * the one that arrived last.
 * Emitted: a stream gives a new row whenever a later bid arrives, keyed by bidder and auction.
 * Compare: the last row of each bidder and auction.
 */
import { latestFirst } from "./bid-order.ts";
import { bidsOf, groupBy } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";

export const q18: BatchQuery = (events) =>
  [...groupBy(bidsOf(events), (bid) => `${bid.bidder} ${bid.auction}`).values()].map((bids) => {
    const { auction, bidder, price, channel, url, dateTime, extra } =
      bids.toSorted(latestFirst)[0]!;
    return { auction, bidder, price, channel, url, dateTime, extra };
  });
