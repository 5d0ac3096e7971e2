/**
 * Query 1, currency conversion: every bid with its price in euros, at 0.908 euros a dollar, exact to three places.
 * Emitted: one row a bid, at once.
 * Compare: as a bag of rows; a job must compute price * 908 / 1000 to meet the exact decimal.
 */
import { bidsOf } from "./events-of.ts";
import { dollarsToEuros } from "./prices.ts";
import type { BatchQuery } from "./result-row.ts";

export const q1: BatchQuery = (events) =>
  bidsOf(events).map(({ auction, bidder, price, dateTime, extra }) => ({
    auction,
    bidder,
    price: dollarsToEuros(price),
    dateTime,
    extra,
  }));
