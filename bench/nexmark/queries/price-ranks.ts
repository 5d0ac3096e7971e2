/**
 * Counters that queries 15 to 17 keep for each group of bids: how many there were in total and in each of three
 * ranks of price. They are updated one bid at a time, in place.
 */
import type { Bid } from "../generator/event.ts";

export type PriceRank = 1 | 2 | 3;

/** In total (place 0) and by rank of price (places 1 to 3). */
export type RankCounts = [total: number, rank1: number, rank2: number, rank3: number];

export function noCounts(): RankCounts {
  return [0, 0, 0, 0];
}

export function priceRankOf({ price }: Pick<Bid, "price">): PriceRank {
  if (price < 10_000) return 1;
  return price < 1_000_000 ? 2 : 3;
}
