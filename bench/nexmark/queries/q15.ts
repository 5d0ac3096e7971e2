/** Query 15, bidding statistics: bids, distinct bidders and distinct auctions per day. One hot key. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { utcDay } from "../batch/calendar.ts";
import { columnsOf, distinctStatistics } from "./distinct-statistics.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q15(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q15", options))
    .keyBy((bid) => utcDay(bid.dateTime))
    .process(
      "day-statistics",
      distinctStatistics((statistics, bid) => ({
        day: utcDay(bid.dateTime),
        ...columnsOf(statistics),
      })),
    )
    .output();
}
