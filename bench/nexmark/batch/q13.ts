/**
 * Query 13, bounded side input: every bid with the value the side input has for its auction's id modulo 10,000.
 * An inner join to a table that does not change (generator/side-input.ts).
 * Emitted: one row a bid, at once.
 * Compare: as a bag of rows.
 */
import { SIDE_INPUT_ROW_COUNT, makeSideInput } from "../generator/side-input.ts";
import { bidsOf } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";

export const q13: BatchQuery = (events) => {
  const sideInput = makeSideInput();
  return bidsOf(events).flatMap(({ auction, bidder, price, dateTime }) => {
    const value = sideInput.get(auction % SIDE_INPUT_ROW_COUNT);
    return value === undefined ? [] : [{ auction, bidder, price, dateTime, value }];
  });
};
