/**
 * Query 19, top ten: of each auction, the ten bids with the highest prices, numbered from 1; of equal prices the
 * earliest first, then see bid-order.ts (the published query leaves ties open).
 * Emitted: a stream gives a new row for every place whose bid changes, keyed by auction and place.
 * Compare: the last row of each auction and place.
 */
import { highestFirst } from "./bid-order.ts";
import { bidsOf, groupBy } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";

export const q19: BatchQuery = (events) =>
  [...groupBy(bidsOf(events), (bid) => bid.auction).values()].flatMap((bids) =>
    bids
      .toSorted(highestFirst)
      .slice(0, 10)
      .map(({ auction, bidder, price, channel, url, dateTime, extra }, position) => ({
        auction,
        bidder,
        price,
        channel,
        url,
        dateTime,
        extra,
        rankNumber: position + 1,
      })),
  );
