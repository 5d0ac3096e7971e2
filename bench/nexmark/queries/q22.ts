/** Query 22, URL directories: bids with the first three directories of their URL, empty where there is none. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q22(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q22", options))
    .map(({ auction, bidder, price, channel, url }) => {
      const [, , , dir1 = "", dir2 = "", dir3 = ""] = url.split("/", 6);
      return { auction, bidder, price, channel, dir1, dir2, dir3 };
    })
    .output();
}
