/**
 * Query 7, highest bid: the bids with the highest price of each tumbling event-time window of 10 s, all of them
 * if several tie. The published SQL joins the maximum back to bids with a BETWEEN that also lets in a bid of the
 * same price at the very instant the window ends; that instant belongs to the next window and is not let in here.
 * Emitted: once per window, when the watermark passes its end.
 * Compare: as a bag of rows.
 */
import { bidsOf, groupBy } from "./events-of.ts";
import { largestOf } from "./prices.ts";
import type { BatchQuery } from "./result-row.ts";
import { tumblingWindow } from "./windows.ts";

export const q7: BatchQuery = (events) => {
  const windows = groupBy(
    bidsOf(events),
    (bid) => tumblingWindow(bid.dateTime, SIZE_MS).windowStart,
  );
  return [...windows.values()].flatMap((bids) => {
    const highestPrice = largestOf(bids.map((bid) => bid.price));
    return bids
      .filter((bid) => bid.price === highestPrice)
      .map(({ auction, bidder, price, dateTime, extra }) => ({
        auction,
        bidder,
        price,
        dateTime,
        extra,
      }));
  });
};

const SIZE_MS = 10_000;
