/**
 * Query 14, calculation: bids within bounds in euros, with a name for the time of day (by the hour in UTC) and
 * the number of letters c in the padding.
 */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q14(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q14", options))
    .map((bid) => ({ ...bid, price: (bid.price * 908) / 1000 }))
    .filter(({ price }) => price > 1_000_000 && price < 50_000_000)
    .map(({ auction, bidder, price, dateTime, extra }) => ({
      auction,
      bidder,
      price,
      bidTimeType: nameOfHour(Math.floor(dateTime / HOUR_MS) % 24),
      dateTime,
      extra,
      cCount: countLetter(extra, "c"),
    }))
    .output();
}

const HOUR_MS = 3_600_000;

function nameOfHour(hour: number): string {
  if (hour >= 8 && hour <= 18) return "dayTime";
  return hour === 7 || hour === 19 ? "otherTime" : "nightTime";
}

function countLetter(text: string, letter: string): number {
  let count = 0;
  for (let at = text.indexOf(letter); at >= 0; at = text.indexOf(letter, at + 1)) count++;
  return count;
}
