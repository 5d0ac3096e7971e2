/** Query 17, auction statistics: bids by rank and the range, average and total of prices, per auction and day. */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { utcDay } from "../batch/calendar.ts";
import type { Bid } from "../generator/event.ts";
import { bidsIn, nexmarkEvents } from "./nexmark-streams.ts";
import { noCounts, priceRankOf, type RankCounts } from "./price-ranks.ts";

interface PriceStatistics {
  auction: number;
  day: string;
  readonly bids: RankCounts;
  minPrice: number;
  maxPrice: number;
  sumPrice: number;
}

export function q17(options: JobOptionsInput = {}) {
  return bidsIn(nexmarkEvents("nexmark-q17", options))
    .keyBy((bid) => `${bid.auction} ${utcDay(bid.dateTime)}`)
    .aggregate("auction-statistics", {
      createAccumulator: (): PriceStatistics => ({
        auction: 0,
        day: "",
        bids: noCounts(),
        minPrice: Number.POSITIVE_INFINITY,
        maxPrice: Number.NEGATIVE_INFINITY,
        sumPrice: 0,
      }),
      add: addBid,
      getResult: rowOf,
    })
    .output();
}

function addBid(statistics: PriceStatistics, bid: Bid): PriceStatistics {
  statistics.auction = bid.auction;
  statistics.day = utcDay(bid.dateTime);
  statistics.bids[0]++;
  statistics.bids[priceRankOf(bid)]++;
  statistics.minPrice = Math.min(statistics.minPrice, bid.price);
  statistics.maxPrice = Math.max(statistics.maxPrice, bid.price);
  statistics.sumPrice += bid.price;
  return statistics;
}

function rowOf({ auction, day, bids, minPrice, maxPrice, sumPrice }: PriceStatistics) {
  return {
    auction,
    day,
    totalBids: bids[0],
    rank1Bids: bids[1],
    rank2Bids: bids[2],
    rank3Bids: bids[3],
    minPrice,
    maxPrice,
    averagePrice: Math.trunc(sumPrice / bids[0]),
    sumPrice,
  };
}
