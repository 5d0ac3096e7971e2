/**
 * The operator of queries 4 and 9: follows the winning bid of each auction, the highest of those made from the
 * instant it was listed to the instant it expires (ties: batch/bid-order.ts). Bids that come before their
 * auction are kept until it comes; of the others only the winner is.
 */
import type { CoProcessFunction } from "../../../dataflow/operators/process-operator.ts";
import { listState, valueState } from "../../../dataflow/state/state-descriptor.ts";
import { highestFirst } from "../batch/bid-order.ts";
import type { Auction, Bid } from "../generator/event.ts";

/** Emits `show` whenever a better bid arrives, with the winner it replaces. Left are auctions, right are bids. */
export function winningBids<Row>(
  show: (auction: Auction, winner: Bid, before: Bid | undefined) => Row,
) {
  const state = {
    auction: valueState<Auction>("auction"),
    winner: valueState<Bid>("winner"),
    early: listState<Bid>("early"),
  };
  return {
    state,
    processLeft(auction, context) {
      const { auction: known, winner, early } = context.state;
      known.update(auction);
      const [best] = early
        .get()
        .filter((bid) => isInTime(bid, auction))
        .toSorted(highestFirst);
      early.clear();
      if (best === undefined) return [];
      winner.update(best);
      return [show(auction, best, undefined)];
    },
    processRight(bid, context) {
      const auction = context.state.auction.get();
      if (auction === undefined) {
        context.state.early.add(bid);
        return [];
      }
      const before = context.state.winner.get();
      if (!isInTime(bid, auction)) return [];
      if (before !== undefined && highestFirst(bid, before) >= 0) return [];
      context.state.winner.update(bid);
      return [show(auction, bid, before)];
    },
  } satisfies CoProcessFunction<Auction, Bid, number, Row, typeof state>;
}

function isInTime(bid: Bid, auction: Auction): boolean {
  return bid.dateTime >= auction.dateTime && bid.dateTime <= auction.expires;
}
