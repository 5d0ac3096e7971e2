/**
 * Query 19, top ten: the ten highest bids of each auction, a row for every place whose bid changes. Ties go by
 * batch/bid-order.ts, by several fields, which is why this is a process function and not topN.
 */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import { highestFirst } from "../batch/bid-order.ts";
import type { Bid } from "../generator/event.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q19(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q19", options))
    .keyBy(({ auction }) => auction, "integer")
    .process("top-ten", {
      state: { ranking: valueState<readonly Bid[]>("ranking") },
      process(bid: Bid, { state }) {
        const ranking = state.ranking.get() ?? [];
        const better = ranking.findIndex((other) => highestFirst(bid, other) < 0);
        const place = better < 0 ? ranking.length : better;
        if (place >= PLACES) return [];
        const changed = ranking.toSpliced(place, 0, bid).slice(0, PLACES);
        state.ranking.update(changed);
        return changed.slice(place).map((other, index) => rowOf(other, place + index + 1));
      },
    })
    .output();
}

const PLACES = 10;

function rowOf(bid: Bid, rankNumber: number) {
  const { auction, bidder, price, channel, url, dateTime, extra } = bid;
  return { auction, bidder, price, channel, url, dateTime, extra, rankNumber };
}
