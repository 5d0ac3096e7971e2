/**
 * Query 14, calculation: bids of more than 1,000,000 and less than 50,000,000 in euros (0.908 a dollar, exact),
 * with the time of day named and the letters c in the padding counted. By the hour in UTC: 8 to 18 is
 * "dayTime", up to 6 and from 20 "nightTime", else (7 and 19) "otherTime".
 * Emitted: one row a bid that qualifies, at once.
 * Compare: as a bag of rows.
 */
import { utcHour } from "./calendar.ts";
import { bidsOf } from "./events-of.ts";
import { dollarsToEuros } from "./prices.ts";
import type { BatchQuery } from "./result-row.ts";

export const q14: BatchQuery = (events) =>
  bidsOf(events)
    .filter((bid) => dollarsToEuros(bid.price) > 1_000_000)
    .filter((bid) => dollarsToEuros(bid.price) < 50_000_000)
    .map(({ auction, bidder, price, dateTime, extra }) => ({
      auction,
      bidder,
      price: dollarsToEuros(price),
      bidTimeType: bidTimeType(utcHour(dateTime)),
      dateTime,
      extra,
      cCount: extra.split("c").length - 1,
    }));

function bidTimeType(hour: number): string {
  if (hour >= 8 && hour <= 18) return "dayTime";
  if (hour <= 6 || hour >= 20) return "nightTime";
  return "otherTime";
}
