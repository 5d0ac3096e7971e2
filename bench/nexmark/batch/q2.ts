/**
 * Query 2, selection: auction and price of the bids on auctions whose id is a multiple of 123.
 * Emitted: one row a bid that qualifies, at once.
 * Compare: as a bag of rows (two bids may give equal rows; both count).
 */
import { bidsOf } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";

export const q2: BatchQuery = (events) =>
  bidsOf(events)
    .filter((bid) => bid.auction % 123 === 0)
    .map(({ auction, price }) => ({ auction, price }));
