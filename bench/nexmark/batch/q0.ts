/**
 * Query 0, pass through: every bid, unchanged but for its channel and URL, which are left out.
 * Measures what input and output cost by themselves. Emitted: one row a bid, at once.
 * Compare: as a bag of rows.
 */
import { bidsOf } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";

export const q0: BatchQuery = (events) =>
  bidsOf(events).map(({ auction, bidder, price, dateTime, extra }) => ({
    auction,
    bidder,
    price,
    dateTime,
    extra,
  }));
