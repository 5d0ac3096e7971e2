/**
 * Query 22, URL directories: bids with the first three directories of their URL, which are the fourth to sixth
 * parts between slashes (after "https:", "" and the host). A part that is missing is the empty text.
 * Emitted: one row a bid, at once.
 * Compare: as a bag of rows.
 */
import { bidsOf } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";

export const q22: BatchQuery = (events) =>
  bidsOf(events).map(({ auction, bidder, price, channel, url }) => {
    const parts = url.split("/");
    return {
      auction,
      bidder,
      price,
      channel,
      dir1: parts[3] ?? "",
      dir2: parts[4] ?? "",
      dir3: parts[5] ?? "",
    };
  });
