/**
 * Query 4, average price for a category. The first stage follows each auction's winning price and sends on by
 * how much it changed; the second adds these up per category. Differences of whole numbers cancel out exactly,
 * so the averages do not depend on the order in which auctions change.
 */
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { auctionsIn, bidsIn, nexmarkEvents } from "./nexmark-streams.ts";
import { winningBids } from "./winning-bids.ts";

interface FinalPriceChange {
  readonly category: number;
  readonly priceChange: number;
  /** 1 when the auction has a winning bid for the first time. */
  readonly auctionsMore: 0 | 1;
}

interface CategoryTotal {
  category: number;
  price: number;
  auctions: number;
}

export function q4(options: JobOptionsInput = {}) {
  const events = nexmarkEvents("nexmark-q4", options);
  return auctionsIn(events)
    .keyBy(({ id }) => id, "integer")
    .connect(bidsIn(events).keyBy(({ auction }) => auction, "integer"))
    .process(
      "final-prices",
      winningBids(({ category }, winner, before): FinalPriceChange => ({
        category,
        priceChange: winner.price - (before?.price ?? 0),
        auctionsMore: before === undefined ? 1 : 0,
      })),
    )
    .keyBy(({ category }) => category, "integer")
    .aggregate("category-averages", {
      createAccumulator: (): CategoryTotal => ({ category: 0, price: 0, auctions: 0 }),
      add(total, { category, priceChange, auctionsMore }: FinalPriceChange) {
        total.category = category;
        total.price += priceChange;
        total.auctions += auctionsMore;
        return total;
      },
      getResult: ({ category, price, auctions }) => ({
        category,
        averagePrice: Math.trunc(price / auctions),
      }),
    })
    .output();
}
