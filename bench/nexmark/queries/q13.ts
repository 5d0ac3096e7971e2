/** Query 13, bounded side input: bids looked up in a table that never changes and is part of the job's code. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { makeSideInput, SIDE_INPUT_ROW_COUNT } from "../generator/side-input.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";

export function q13(options: JobOptionsInput = {}) {
  const sideInput = makeSideInput();
  return bidsIn(nexmarkEvents("nexmark-q13", options))
    .flatMap(({ auction, bidder, price, dateTime }) => {
      const value = sideInput.get(auction % SIDE_INPUT_ROW_COUNT);
      return value === undefined ? [] : [{ auction, bidder, price, dateTime, value }];
    })
    .output();
}
