/**
 * Batch queries that join streams, on hand-made events with results worked out by hand.
 */
import { describe, expect, it } from "vitest";
import { q20 } from "../../bench/nexmark/batch/q20.ts";
import { q23 } from "../../bench/nexmark/batch/q23.ts";
import { q3 } from "../../bench/nexmark/batch/q3.ts";
import { q4 } from "../../bench/nexmark/batch/q4.ts";
import { q9 } from "../../bench/nexmark/batch/q9.ts";
import { auction, bid, person } from "./sample-events.ts";

describe("q3", () => {
  it("pairs auctions of category 10 with sellers of three states, in either order", () => {
    const events = [
      auction({ id: 1, seller: 10, category: 10 }),
      person({ id: 10, name: "Kate", city: "Bend", state: "OR" }),
      person({ id: 11, name: "Paul", city: "Kent", state: "WA" }),
      person({ id: 12, name: "Luke", city: "Boise", state: "ID" }),
      auction({ id: 2, seller: 10, category: 11 }),
      auction({ id: 3, seller: 11, category: 10 }),
      auction({ id: 4, seller: 12, category: 10 }),
      auction({ id: 5, seller: 12, category: 10 }),
      auction({ id: 6, seller: 99, category: 10 }),
    ];
    expect(q3(events)).toEqual([
      { name: "Kate", city: "Bend", state: "OR", id: 1 },
      { name: "Luke", city: "Boise", state: "ID", id: 4 },
      { name: "Luke", city: "Boise", state: "ID", id: 5 },
    ]);
  });
});

describe("q4", () => {
  it("averages the highest bids made in time, fraction cut off", () => {
    const events = [
      auction({ id: 1, category: 10, dateTime: 100, expires: 200 }),
      auction({ id: 2, category: 10, dateTime: 100, expires: 200 }),
      auction({ id: 3, category: 11, dateTime: 100, expires: 200 }),
      auction({ id: 4, category: 12, dateTime: 100, expires: 200 }),
      bid({ auction: 1, price: 900, dateTime: 99 }),
      bid({ auction: 1, price: 10, dateTime: 100 }),
      bid({ auction: 1, price: 30, dateTime: 200 }),
      bid({ auction: 1, price: 800, dateTime: 201 }),
      bid({ auction: 2, price: 41, dateTime: 100 }),
      bid({ auction: 3, price: 7, dateTime: 150 }),
      bid({ auction: 4, price: 7, dateTime: 300 }),
    ];
    // Category 10: the highest in time are 30 and 41; their average is 35.5.
    expect(q4(events)).toEqual([
      { category: 10, averagePrice: 35 },
      { category: 11, averagePrice: 7 },
    ]);
  });
});

describe("q9", () => {
  const listed = auction({ id: 1, dateTime: 100, expires: 200 });

  it("gives each auction with its highest bid made in time", () => {
    const events = [
      bid({ auction: 1, bidder: 5, price: 50, dateTime: 150, extra: "late comer" }),
      bid({ auction: 1, bidder: 6, price: 40, dateTime: 150 }),
      bid({ auction: 1, bidder: 7, price: 99, dateTime: 201 }),
      listed,
      auction({ id: 2 }),
    ];
    expect(q9(events)).toEqual([
      {
        id: 1,
        itemName: "lamp",
        description: "a lamp",
        initialBid: 100,
        reserve: 200,
        dateTime: 100,
        expires: 200,
        seller: 1000,
        category: 10,
        extra: "a",
        auction: 1,
        bidder: 5,
        price: 50,
        bidDateTime: 150,
        bidExtra: "late comer",
      },
    ]);
  });

  it("prefers the earliest of equal prices, then the lowest bidder", () => {
    const bids = [
      bid({ auction: 1, bidder: 5, price: 50, dateTime: 151 }),
      bid({ auction: 1, bidder: 7, price: 50, dateTime: 150 }),
      bid({ auction: 1, bidder: 6, price: 50, dateTime: 150 }),
    ];
    expect(q9([listed, ...bids]).map((row) => row.bidder)).toEqual([6]);
  });
});

describe("q20", () => {
  it("gives bids on auctions of category 10 with the auction, even if listed later", () => {
    const events = [
      bid({ auction: 1, bidder: 5, price: 50, dateTime: 3 }),
      bid({ auction: 2, bidder: 6 }),
      bid({ auction: 3, bidder: 7 }),
      auction({ id: 1, category: 10, dateTime: 9 }),
      auction({ id: 2, category: 11 }),
    ];
    expect(q20(events)).toEqual([
      {
        auction: 1,
        bidder: 5,
        price: 50,
        channel: "Google",
        url: "https://www.nexmark.com/x/y/z/item.htm?query=1",
        bidDateTime: 3,
        bidExtra: "b",
        itemName: "lamp",
        description: "a lamp",
        initialBid: 100,
        reserve: 200,
        auctionDateTime: 9,
        expires: 10_000,
        seller: 1000,
        category: 10,
        auctionExtra: "a",
      },
    ]);
  });
});

describe("q23", () => {
  it("gives every bid once for each auction its bidder lists", () => {
    const events = [
      bid({ bidder: 5, price: 1 }),
      bid({ bidder: 5, price: 2 }),
      bid({ bidder: 6, price: 3 }),
      bid({ bidder: 7, price: 4 }),
      person({ id: 5, name: "Kate" }),
      person({ id: 6, name: "Paul" }),
      auction({ seller: 5, itemName: "lamp" }),
      auction({ seller: 5, itemName: "boat" }),
      auction({ seller: 7, itemName: "hat" }),
    ];
    expect(q23(events).map(({ name, price, itemName }) => [name, price, itemName])).toEqual([
      ["Kate", 1, "lamp"],
      ["Kate", 1, "boat"],
      ["Kate", 2, "lamp"],
      ["Kate", 2, "boat"],
    ]);
  });

  it("gives the columns of the bid, the person and the auction", () => {
    const events = [
      bid({ bidder: 5, price: 1, extra: "of the bid" }),
      person({ id: 5, extra: "of the person" }),
      auction({ seller: 5, dateTime: 8, extra: "of the auction" }),
    ];
    expect(q23(events)).toEqual([
      {
        bidder: 5,
        price: 1,
        channel: "Google",
        url: "https://www.nexmark.com/x/y/z/item.htm?query=1",
        bidExtra: "of the bid",
        personId: 5,
        name: "Kate Smith",
        emailAddress: "k@s.com",
        creditCard: "1111 2222 3333 4444",
        city: "Bend",
        state: "OR",
        personExtra: "of the person",
        itemName: "lamp",
        description: "a lamp",
        initialBid: 100,
        reserve: 200,
        auctionDateTime: 8,
        expires: 10_000,
        seller: 5,
        category: 10,
        auctionExtra: "of the auction",
      },
    ]);
  });
});
