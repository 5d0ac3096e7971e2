/** Query 16, channel statistics: bids, distinct bidders and distinct auctions per channel and day. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { utcDay, utcMinute } from "../batch/calendar.ts";
import { columnsOf, distinctStatistics } from "./distinct-statistics.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q16(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q16", options))
    .keyBy((bid) => `${utcDay(bid.dateTime)} ${bid.channel}`)
    .process(
      "channel-statistics",
      distinctStatistics((statistics, bid) => ({
        channel: bid.channel,
        day: utcDay(bid.dateTime),
        minute: utcMinute(statistics.latestMs),
        ...columnsOf(statistics),
      })),
    )
    .output();
}
