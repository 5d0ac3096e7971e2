/**
 * Batch queries over windows, on hand-made events with results worked out by hand.
 */
import { describe, expect, it } from "vitest";
import { groupBy } from "../../bench/nexmark/batch/events-of.ts";
import { q11 } from "../../bench/nexmark/batch/q11.ts";
import { q12 } from "../../bench/nexmark/batch/q12.ts";
import { q5 } from "../../bench/nexmark/batch/q5.ts";
import { q7 } from "../../bench/nexmark/batch/q7.ts";
import { q8 } from "../../bench/nexmark/batch/q8.ts";
import { auction, bid, person } from "./sample-events.ts";

describe("q5", () => {
  it("counts a bid in the five windows that hold it", () => {
    const rows = q5([bid({ auction: 1, dateTime: 11_999 })]);
    expect(rows.map((row) => row.windowStart)).toEqual([10_000, 8000, 6000, 4000, 2000]);
    expect(rows[0]).toEqual({ auction: 1, bidCount: 1, windowStart: 10_000, windowEnd: 20_000 });
  });

  it("gives the auctions with most bids of each window, all that tie", () => {
    const bids = [
      bid({ auction: 1, dateTime: 10_000 }),
      bid({ auction: 1, dateTime: 10_001 }),
      bid({ auction: 2, dateTime: 10_500 }),
      bid({ auction: 2, dateTime: 12_000 }),
      bid({ auction: 3, dateTime: 19_999 }),
    ];
    const winnersByStart = new Map(
      [...groupBy(q5(bids), (row) => Number(row.windowStart))].map(([start, rows]) => [
        start,
        rows.map((row) => `auction ${row.auction}: ${row.bidCount}`),
      ]),
    );
    const firstTwoTie = ["auction 1: 2", "auction 2: 2"];
    expect(winnersByStart).toEqual(
      new Map([
        [2000, ["auction 1: 2"]],
        [4000, firstTwoTie],
        [6000, firstTwoTie],
        [8000, firstTwoTie],
        [10_000, firstTwoTie],
        [12_000, ["auction 2: 1", "auction 3: 1"]],
        [14_000, ["auction 3: 1"]],
        [16_000, ["auction 3: 1"]],
        [18_000, ["auction 3: 1"]],
      ]),
    );
  });
});

describe("q7", () => {
  it("gives the highest bids of each window, all that tie, and none of the next window's first instant", () => {
    const bids = [
      bid({ bidder: 1, price: 50, dateTime: 0 }),
      bid({ bidder: 2, price: 70, dateTime: 5000 }),
      bid({ bidder: 3, price: 70, dateTime: 9999 }),
      bid({ bidder: 4, price: 70, dateTime: 10_000 }),
      bid({ bidder: 5, price: 80, dateTime: 10_001 }),
    ];
    expect(q7(bids)).toEqual([
      { auction: 1000, bidder: 2, price: 70, dateTime: 5000, extra: "b" },
      { auction: 1000, bidder: 3, price: 70, dateTime: 9999, extra: "b" },
      { auction: 1000, bidder: 5, price: 80, dateTime: 10_001, extra: "b" },
    ]);
  });
});

describe("q8", () => {
  it("gives people who list in the window they register in, once, in either order", () => {
    const events = [
      auction({ id: 1, seller: 10, dateTime: 100 }),
      auction({ id: 2, seller: 10, dateTime: 200 }),
      person({ id: 10, name: "Kate", dateTime: 9999 }),
      person({ id: 11, name: "Paul", dateTime: 9999 }),
      auction({ id: 3, seller: 11, dateTime: 10_000 }),
      person({ id: 12, name: "Luke", dateTime: 20_000 }),
      auction({ id: 4, seller: 12, dateTime: 29_999 }),
    ];
    expect(q8(events)).toEqual([
      { id: 10, name: "Kate", windowStart: 0 },
      { id: 12, name: "Luke", windowStart: 20_000 },
    ]);
  });
});

describe("q11", () => {
  it("splits a bidder's bids where more than ten seconds lie between them", () => {
    const times = [30_001, 0, 10_000, 20_000, 20_000];
    const bids = times.map((dateTime) => bid({ bidder: 7, dateTime }));
    expect(q11([...bids, bid({ bidder: 8, dateTime: 25_000 })])).toEqual([
      { bidder: 7, bidCount: 4, windowStart: 0, windowEnd: 30_000 },
      { bidder: 7, bidCount: 1, windowStart: 30_001, windowEnd: 40_001 },
      { bidder: 8, bidCount: 1, windowStart: 25_000, windowEnd: 35_000 },
    ]);
  });
});

describe("q12", () => {
  it("counts the bids of each bidder", () => {
    expect(q12([7, 8, 7].map((bidder) => bid({ bidder })))).toEqual([
      { bidder: 7, bidCount: 2 },
      { bidder: 8, bidCount: 1 },
    ]);
  });
});
