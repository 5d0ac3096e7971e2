/**
 * The process function of queries 15 and 16: bids, distinct bidders and distinct auctions of a group, in total
 * and by rank of price. Who was seen is one map entry each, so a bid reads two entries however large the group;
 * an entry says in which ranks it was counted, one bit each.
 */
import type { ProcessFunction } from "../../../dataflow/operators/process-operator.ts";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import type { MapState } from "../../../dataflow/state/keyed-state.ts";
import { mapState, valueState } from "../../../dataflow/state/state-descriptor.ts";
import type { Bid } from "../generator/event.ts";
import { noCounts, priceRankOf, type PriceRank, type RankCounts } from "./price-ranks.ts";

export interface DistinctStatistics {
  readonly bids: RankCounts;
  readonly bidders: RankCounts;
  readonly auctions: RankCounts;
  /** Latest event time of a bid. */
  latestMs: number;
}

/** Emits `show` of the group after every bid. The row is the group's newest; it replaces the earlier ones. */
export function distinctStatistics<Row>(show: (statistics: DistinctStatistics, bid: Bid) => Row) {
  const state = {
    statistics: valueState<DistinctStatistics>("statistics"),
    bidders: mapState("bidders", "integer", codecs.int64),
    auctions: mapState("auctions", "integer", codecs.int64),
  };
  return {
    state,
    process(bid, context) {
      const rank = priceRankOf(bid);
      const statistics = context.state.statistics.get() ?? {
        bids: noCounts(),
        bidders: noCounts(),
        auctions: noCounts(),
        latestMs: bid.dateTime,
      };
      statistics.bids[0]++;
      statistics.bids[rank]++;
      countOnce(context.state.bidders, bid.bidder, rank, statistics.bidders);
      countOnce(context.state.auctions, bid.auction, rank, statistics.auctions);
      statistics.latestMs = Math.max(statistics.latestMs, bid.dateTime);
      context.state.statistics.update(statistics);
      return [show(statistics, bid)];
    },
  } satisfies ProcessFunction<Bid, string, Row, typeof state>;
}

/** The counts as columns of a row, in the order both queries give them. */
export function columnsOf({ bids, bidders, auctions }: DistinctStatistics) {
  return {
    totalBids: bids[0],
    rank1Bids: bids[1],
    rank2Bids: bids[2],
    rank3Bids: bids[3],
    totalBidders: bidders[0],
    rank1Bidders: bidders[1],
    rank2Bidders: bidders[2],
    rank3Bidders: bidders[3],
    totalAuctions: auctions[0],
    rank1Auctions: auctions[1],
    rank2Auctions: auctions[2],
    rank3Auctions: auctions[3],
  };
}

function countOnce(
  seen: MapState<number, number>,
  id: number,
  rank: PriceRank,
  counts: RankCounts,
): void {
  const ranks = seen.get(id) ?? 0;
  const bit = 1 << rank;
  if (ranks === 0) counts[0]++;
  if ((ranks & bit) !== 0) return;
  counts[rank]++;
  seen.put(id, ranks | bit);
}
