/**
 * Batch queries that look at one event at a time, on hand-made events with results worked out by hand.
 */
import { describe, expect, it } from "vitest";
import { q0 } from "../../bench/nexmark/batch/q0.ts";
import { q1 } from "../../bench/nexmark/batch/q1.ts";
import { q13 } from "../../bench/nexmark/batch/q13.ts";
import { q14 } from "../../bench/nexmark/batch/q14.ts";
import { q2 } from "../../bench/nexmark/batch/q2.ts";
import { q21 } from "../../bench/nexmark/batch/q21.ts";
import { q22 } from "../../bench/nexmark/batch/q22.ts";
import { auction, bid, person } from "./sample-events.ts";

describe("q0", () => {
  it("passes bids through and nothing else", () => {
    expect(q0([person({}), bid({ price: 5, dateTime: 7 }), auction({})])).toEqual([
      { auction: 1000, bidder: 1001, price: 5, dateTime: 7, extra: "b" },
    ]);
  });
});

describe("q1", () => {
  it("converts prices exactly, without the noise of binary fractions", () => {
    const prices = [1, 1000, 3, 99_999_999].map((price) => bid({ price }));
    expect(q1(prices).map((row) => JSON.stringify(row.price))).toEqual([
      "0.908",
      "908",
      "2.724",
      "90799999.092",
    ]);
  });
});

describe("q2", () => {
  it("keeps bids on auctions whose id is a multiple of 123", () => {
    const bids = [1106, 1107, 1108, 1230].map((id) => bid({ auction: id, price: id * 2 }));
    expect(q2(bids)).toEqual([
      { auction: 1107, price: 2214 },
      { auction: 1230, price: 2460 },
    ]);
  });
});

describe("q13", () => {
  it("looks up the auction's id modulo 10,000", () => {
    expect(q13([bid({ auction: 10_007, price: 5, dateTime: 3 })])).toEqual([
      { auction: 10_007, bidder: 1001, price: 5, dateTime: 3, value: "7" },
    ]);
  });
});

describe("q14", () => {
  it("keeps bids strictly between one and fifty million euros", () => {
    // 1,101,322 * 0.908 = 1,000,000.376; 55,066,079 * 0.908 = 49,999,999.732.
    const prices = [1_101_321, 1_101_322, 55_066_079, 55_066_080].map((price) => bid({ price }));
    expect(q14(prices).map((row) => row.price)).toEqual([1_000_000.376, 49_999_999.732]);
  });

  it("names the time of day by the hour in UTC", () => {
    const hours = [6, 7, 8, 18, 19, 20].map((hour) =>
      bid({ price: 2_000_000, dateTime: Date.UTC(2015, 6, 15, hour, 59, 59, 999) }),
    );
    expect(q14(hours).map((row) => row.bidTimeType)).toEqual([
      "nightTime",
      "otherTime",
      "dayTime",
      "dayTime",
      "otherTime",
      "nightTime",
    ]);
  });

  it("counts the letters c in the padding", () => {
    const bids = ["", "c", "abccab c"].map((extra) => bid({ price: 2_000_000, extra }));
    expect(q14(bids).map((row) => row.cCount)).toEqual([0, 1, 3]);
  });
});

describe("q21", () => {
  it("gives hot channels their fixed id, whatever the case and the URL", () => {
    const bids = ["Apple", "google", "FACEBOOK", "Baidu"].map((channel) =>
      bid({ channel, url: "https://x/?a&channel_id=99" }),
    );
    expect(q21(bids).map((row) => row.channelId)).toEqual(["0", "1", "2", "3"]);
  });

  it("takes other ids from the URL and leaves out bids without one", () => {
    const urls = [
      "q=1&channel_id=42&z=1",
      "channel_id=7",
      "q=1",
      "q=1?channel_id=8",
      "a&channel_id=",
    ];
    const bids = urls.map((url) => bid({ channel: "channel-1", url, price: 9 }));
    expect(q21(bids)).toEqual([
      { auction: 1000, bidder: 1001, price: 9, channel: "channel-1", channelId: "42" },
      { auction: 1000, bidder: 1001, price: 9, channel: "channel-1", channelId: "7" },
      { auction: 1000, bidder: 1001, price: 9, channel: "channel-1", channelId: "" },
    ]);
  });
});

describe("q22", () => {
  it("gives the three parts after the host, empty where the URL ends early", () => {
    const bids = ["https://h/a/b_/c/item.htm", "https://h/a"].map((url) => bid({ url }));
    expect(q22(bids)).toEqual([
      {
        auction: 1000,
        bidder: 1001,
        price: 100,
        channel: "Google",
        dir1: "a",
        dir2: "b_",
        dir3: "c",
      },
      { auction: 1000, bidder: 1001, price: 100, channel: "Google", dir1: "a", dir2: "", dir3: "" },
    ]);
  });
});
