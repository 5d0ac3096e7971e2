/** Query 0, pass through: what input and output cost by themselves. See batch/q0.ts for what it answers. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q0(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q0", options))
    .map(({ auction, bidder, price, dateTime, extra }) => ({
      auction,
      bidder,
      price,
      dateTime,
      extra,
    }))
    .output();
}
