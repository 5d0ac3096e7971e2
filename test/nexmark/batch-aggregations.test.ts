/**
 * Batch queries that keep statistics or the first few of a key, on hand-made events worked out by hand.
 */
import { describe, expect, it } from "vitest";
import { q15 } from "../../bench/nexmark/batch/q15.ts";
import { q16 } from "../../bench/nexmark/batch/q16.ts";
import { q17 } from "../../bench/nexmark/batch/q17.ts";
import { q18 } from "../../bench/nexmark/batch/q18.ts";
import { q19 } from "../../bench/nexmark/batch/q19.ts";
import { bid } from "./sample-events.ts";

const midnight = Date.UTC(2015, 6, 15);

/** Two days; on the first, two ranks of bidder 5, and every rank limit. */
const bids = [
  bid({ auction: 1, bidder: 5, price: 9999, channel: "Apple", dateTime: midnight - 60_000 }),
  bid({ auction: 1, bidder: 5, price: 10_000, channel: "Apple", dateTime: midnight - 1 }),
  bid({ auction: 2, bidder: 6, price: 999_999, channel: "Baidu", dateTime: midnight - 120_000 }),
  bid({ auction: 1, bidder: 6, price: 1_000_000, channel: "Apple", dateTime: midnight - 180_000 }),
  bid({ auction: 3, bidder: 5, price: 1, channel: "Apple", dateTime: midnight }),
];

describe("q15", () => {
  it("counts bids, distinct bidders and distinct auctions per day and rank of price", () => {
    expect(q15(bids)).toEqual([
      {
        day: "2015-07-14",
        totalBids: 4,
        rank1Bids: 1,
        rank2Bids: 2,
        rank3Bids: 1,
        totalBidders: 2,
        rank1Bidders: 1,
        rank2Bidders: 2,
        rank3Bidders: 1,
        totalAuctions: 2,
        rank1Auctions: 1,
        rank2Auctions: 2,
        rank3Auctions: 1,
      },
      {
        day: "2015-07-15",
        totalBids: 1,
        rank1Bids: 1,
        rank2Bids: 0,
        rank3Bids: 0,
        totalBidders: 1,
        rank1Bidders: 1,
        rank2Bidders: 0,
        rank3Bidders: 0,
        totalAuctions: 1,
        rank1Auctions: 1,
        rank2Auctions: 0,
        rank3Auctions: 0,
      },
    ]);
  });
});

describe("q16", () => {
  it("keeps the same statistics per channel and day, with the latest minute", () => {
    const rows = q16(bids);
    expect(
      rows.map(({ channel, day, minute, totalBids }) => [channel, day, minute, totalBids]),
    ).toEqual([
      ["Apple", "2015-07-14", "23:59", 3],
      ["Baidu", "2015-07-14", "23:58", 1],
      ["Apple", "2015-07-15", "00:00", 1],
    ]);
    expect(rows[0]).toEqual({
      channel: "Apple",
      day: "2015-07-14",
      minute: "23:59",
      totalBids: 3,
      rank1Bids: 1,
      rank2Bids: 1,
      rank3Bids: 1,
      totalBidders: 2,
      rank1Bidders: 1,
      rank2Bidders: 1,
      rank3Bidders: 1,
      totalAuctions: 1,
      rank1Auctions: 1,
      rank2Auctions: 1,
      rank3Auctions: 1,
    });
  });
});

describe("q17", () => {
  it("keeps counts and prices per auction and day, the average with its fraction cut off", () => {
    expect(q17(bids)).toEqual([
      {
        auction: 1,
        day: "2015-07-14",
        totalBids: 3,
        rank1Bids: 1,
        rank2Bids: 1,
        rank3Bids: 1,
        minPrice: 9999,
        maxPrice: 1_000_000,
        averagePrice: 339_999,
        sumPrice: 1_019_999,
      },
      {
        auction: 2,
        day: "2015-07-14",
        totalBids: 1,
        rank1Bids: 0,
        rank2Bids: 1,
        rank3Bids: 0,
        minPrice: 999_999,
        maxPrice: 999_999,
        averagePrice: 999_999,
        sumPrice: 999_999,
      },
      {
        auction: 3,
        day: "2015-07-15",
        totalBids: 1,
        rank1Bids: 1,
        rank2Bids: 0,
        rank3Bids: 0,
        minPrice: 1,
        maxPrice: 1,
        averagePrice: 1,
        sumPrice: 1,
      },
    ]);
  });
});

describe("q18", () => {
  it("keeps the latest bid of each bidder on each auction, the highest of one instant", () => {
    const rows = q18([
      bid({ auction: 1, bidder: 5, price: 90, dateTime: 1 }),
      bid({ auction: 1, bidder: 5, price: 10, dateTime: 3, channel: "Apple" }),
      bid({ auction: 1, bidder: 5, price: 20, dateTime: 3, extra: "last" }),
      bid({ auction: 1, bidder: 5, price: 80, dateTime: 2 }),
      bid({ auction: 2, bidder: 5, price: 30, dateTime: 0 }),
    ]);
    expect(rows[0]).toEqual({
      auction: 1,
      bidder: 5,
      price: 20,
      channel: "Google",
      url: "https://www.nexmark.com/x/y/z/item.htm?query=1",
      dateTime: 3,
      extra: "last",
    });
    expect(rows.map((row) => row.price)).toEqual([20, 30]);
  });
});

describe("q19", () => {
  it("numbers the ten highest bids of each auction, of equal prices the earliest first", () => {
    const prices = [5, 3, 9, 1, 7, 2, 8, 4, 6, 10, 11, 11];
    const rows = q19([
      ...prices.map((price, index) => bid({ auction: 1, price, dateTime: 100 - index })),
      bid({ auction: 2, price: 1 }),
    ]);
    expect(rows.map((row) => [row.auction, row.rankNumber, row.price, row.dateTime])).toEqual([
      [1, 1, 11, 89],
      [1, 2, 11, 90],
      [1, 3, 10, 91],
      [1, 4, 9, 98],
      [1, 5, 8, 94],
      [1, 6, 7, 96],
      [1, 7, 6, 92],
      [1, 8, 5, 100],
      [1, 9, 4, 93],
      [1, 10, 3, 99],
      [2, 1, 1, 0],
    ]);
  });

  it("orders bids that tie in price and time by their other fields", () => {
    const ties = [
      bid({ bidder: 2, channel: "a" }),
      bid({ bidder: 1, channel: "b", url: "z" }),
      bid({ bidder: 1, channel: "b", url: "y", extra: "n" }),
      bid({ bidder: 1, channel: "b", url: "y", extra: "m" }),
      bid({ bidder: 1, channel: "a", url: "z" }),
    ];
    expect(
      q19(ties).map(({ bidder, channel, url, extra }) => [bidder, channel, url, extra]),
    ).toEqual([
      [1, "a", "z", "b"],
      [1, "b", "y", "m"],
      [1, "b", "y", "n"],
      [1, "b", "z", "b"],
      [2, "a", ties[0]!.url, "b"],
    ]);
  });
});
