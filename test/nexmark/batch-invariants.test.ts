/**
 * What must hold for the batch queries on a generated stream: agreement with counting every case by brute
 * force, agreement with one another, and independence of the order in which events arrive.
 */
import { describe, expect, it } from "vitest";
import { batchQueries } from "../../bench/nexmark/batch/batch-queries.ts";
import { comparableLines } from "../../bench/nexmark/batch/comparable-lines.ts";
import { auctionsOf, bidsOf, groupBy, personsOf } from "../../bench/nexmark/batch/events-of.ts";
import type { NexmarkEvent } from "../../bench/nexmark/generator/event.ts";
import { generateEvents } from "../../bench/nexmark/generator/generate-events.ts";
import { SeededRandom } from "../../bench/nexmark/generator/seeded-random.ts";
import { queryNames } from "../../bench/nexmark/query-names.ts";
import { verificationWorkload } from "../../bench/nexmark/verification-workload.ts";

const events = [
  ...generateEvents({
    ...verificationWorkload,
    eventCount: 20_000,
    baseTimeMs: Date.UTC(2015, 6, 14, 23, 59, 40),
  }),
];
const persons = personsOf(events);
const auctions = auctionsOf(events);
const bids = bidsOf(events);

describe("queries over single bids", () => {
  it("q1 converts the total as it converts each price", () => {
    const total = sum(bids.map((bid) => bid.price));
    const converted = sum(rowsOf("q1").map((row) => Math.round(Number(row.price) * 1000)));
    expect(converted).toBe(total * 908);
  });

  it("q0, q13 and q22 keep every bid, q2 and q14 those that qualify", () => {
    for (const query of ["q0", "q13", "q22"] as const) {
      expect(rowsOf(query)).toHaveLength(bids.length);
    }
    expect(rowsOf("q2")).toHaveLength(bids.filter((bid) => bid.auction % 123 === 0).length);
    const qualified = bids.filter(({ price }) => price > 1_101_321 && price < 55_066_080);
    expect(rowsOf("q14")).toHaveLength(qualified.length);
  });

  it("q21 leaves out the bids of cold channels whose URL names no channel id", () => {
    const isLeftOut = (url: string, channel: string) =>
      channel.startsWith("channel-") && !url.includes("channel_id=");
    const kept = bids.filter((bid) => !isLeftOut(bid.url, bid.channel));
    expect(rowsOf("q21")).toHaveLength(kept.length);
    expect(kept.length).toBeLessThan(bids.length);
  });
});

describe("queries over windows", () => {
  it("q5 agrees with counting the bids of every auction in every window", () => {
    const times = bids.map((bid) => bid.dateTime);
    const expected: string[] = [];
    const firstStart = Math.floor(Math.min(...times) / 2000) * 2000 - 10_000;
    for (let start = firstStart; start <= Math.max(...times); start += 2000) {
      const counts = new Map<number, number>();
      for (const { auction, dateTime } of bids) {
        if (dateTime < start || dateTime >= start + 10_000) continue;
        counts.set(auction, (counts.get(auction) ?? 0) + 1);
      }
      const highest = Math.max(...counts.values());
      for (const [auction, count] of counts) {
        if (count === highest) expected.push(`${start} ${auction} ${count}`);
      }
    }
    const actual = rowsOf("q5").map((row) => `${row.windowStart} ${row.auction} ${row.bidCount}`);
    expect(actual.toSorted()).toEqual(expected.toSorted());
  });

  it("q7 gives a price no bid of its window exceeds, for every window with bids", () => {
    const rows = rowsOf("q7");
    for (const row of rows) {
      const start = Math.floor(Number(row.dateTime) / 10_000) * 10_000;
      const inWindow = bids.filter((bid) => bid.dateTime >= start && bid.dateTime < start + 10_000);
      expect(Math.max(...inWindow.map((bid) => bid.price))).toBe(row.price);
    }
    const windowsOf = (times: readonly number[]) =>
      new Set(times.map((time) => Math.floor(time / 10_000)));
    expect(windowsOf(rows.map((row) => Number(row.dateTime)))).toEqual(
      windowsOf(bids.map((bid) => bid.dateTime)),
    );
  });

  it("q8 gives exactly the people with an auction in their own window", () => {
    const expected = persons.filter((person) =>
      auctions.some(
        (auction) =>
          auction.seller === person.id &&
          Math.floor(auction.dateTime / 10_000) === Math.floor(person.dateTime / 10_000),
      ),
    );
    expect(rowsOf("q8").map((row) => row.id)).toEqual(expected.map((person) => person.id));
    expect(expected.length).toBeGreaterThan(10);
  });

  it("q11 puts every bid in one session, and sessions of a bidder apart", () => {
    const sessions = groupBy(rowsOf("q11"), (row) => Number(row.bidder));
    const misplaced = bids.filter(({ bidder, dateTime }) => {
      const holding = sessions
        .get(bidder)!
        .filter((row) => Number(row.windowStart) <= dateTime && dateTime < Number(row.windowEnd));
      return holding.length !== 1;
    });
    expect(misplaced).toEqual([]);
    for (const rows of sessions.values()) {
      for (const [index, row] of rows.slice(1).entries()) {
        expect(row.windowStart).toBeGreaterThan(Number(rows[index]!.windowEnd));
      }
    }
    expect(comparableLines("q12", rowsOf("q11"))).toEqual(comparableLines("q12", rowsOf("q12")));
  });
});

describe("queries that join", () => {
  it("q3, q20 and q23 give as many rows as there are matching tuples", () => {
    const inStates = persons.filter(({ state }) => ["OR", "ID", "CA"].includes(state));
    const inCategory = auctions.filter(({ category }) => category === 10);
    const q3Count = countPairs(
      inStates,
      inCategory,
      (person, auction) => auction.seller === person.id,
    );
    expect(rowsOf("q3")).toHaveLength(q3Count);
    expect(q3Count).toBeGreaterThan(10);

    const q20Count = countPairs(inCategory, bids, (auction, bid) => bid.auction === auction.id);
    expect(rowsOf("q20")).toHaveLength(q20Count);

    const q23Counts = persons.map(
      ({ id }) =>
        bids.filter((bid) => bid.bidder === id).length *
        auctions.filter((auction) => auction.seller === id).length,
    );
    expect(rowsOf("q23")).toHaveLength(sum(q23Counts));
  });

  it("q9 gives the highest price in time, and q4 averages exactly those", () => {
    const winners = rowsOf("q9");
    for (const row of winners) {
      const inTime = bids.filter(
        (bid) =>
          bid.auction === row.id &&
          bid.dateTime >= Number(row.dateTime) &&
          bid.dateTime <= Number(row.expires),
      );
      expect(Math.max(...inTime.map((bid) => bid.price))).toBe(row.price);
    }
    const averages = [...groupBy(winners, (row) => Number(row.category))].map(
      ([category, rows]) => ({
        category,
        averagePrice: Math.floor(sum(rows.map((row) => Number(row.price))) / rows.length),
      }),
    );
    expect(comparableLines("q4", averages)).toEqual(comparableLines("q4", rowsOf("q4")));
  });
});

describe("queries that keep statistics or the first few", () => {
  it("q15, q16 and q17 count the same bids on the same two days", () => {
    const totals = (["q15", "q16", "q17"] as const).map((query) =>
      [...groupBy(rowsOf(query), (row) => String(row.day))]
        .map(([day, rows]) => [day, sum(rows.map((row) => Number(row.totalBids)))] as const)
        .toSorted(([left], [right]) => left.localeCompare(right)),
    );
    expect(totals[0]!.map(([day]) => day)).toEqual(["2015-07-14", "2015-07-15"]);
    expect(sum(totals[0]!.map(([, total]) => total))).toBe(bids.length);
    expect(totals[1]).toEqual(totals[0]);
    expect(totals[2]).toEqual(totals[0]);
  });

  it("q15 and q16 agree with sets built bid by bid", () => {
    const bidders = new Map<string, Set<number>>();
    for (const bid of bids.filter(({ price }) => price >= 1_000_000)) {
      const day = new Date(bid.dateTime).toISOString().slice(0, 10);
      for (const key of [day, `${bid.channel} ${day}`]) {
        bidders.set(key, (bidders.get(key) ?? new Set()).add(bid.bidder));
      }
    }
    for (const row of [...rowsOf("q15"), ...rowsOf("q16")]) {
      const key = row.channel === undefined ? row.day : `${row.channel} ${row.day}`;
      expect(row.rank3Bidders).toBe(bidders.get(String(key))?.size ?? 0);
    }
  });

  it("q17 sums up to the total price", () => {
    const total = sum(rowsOf("q17").map((row) => Number(row.sumPrice)));
    expect(total).toBe(sum(bids.map((bid) => bid.price)));
  });

  it("q18 gives each pair's latest instant", () => {
    const latest = new Map<string, number>();
    for (const { bidder, auction, dateTime } of bids) {
      const key = `${bidder} ${auction}`;
      latest.set(key, Math.max(latest.get(key) ?? 0, dateTime));
    }
    const rows = rowsOf("q18").map(
      (row) => [`${row.bidder} ${row.auction}`, row.dateTime] as const,
    );
    expect(rows).toHaveLength(latest.size);
    expect(new Map(rows)).toEqual(latest);
  });

  it("q19 gives each auction's ten highest prices in order", () => {
    const byAuction = groupBy(rowsOf("q19"), (row) => Number(row.auction));
    for (const [auction, rows] of byAuction) {
      const prices = bids.filter((bid) => bid.auction === auction).map((bid) => bid.price);
      const highest = prices.toSorted((left, right) => right - left).slice(0, 10);
      expect(rows.map((row) => row.price)).toEqual(highest);
      expect(rows.map((row) => row.rankNumber)).toEqual(highest.map((_, index) => index + 1));
    }
    expect(byAuction.size).toBe(new Set(bids.map((bid) => bid.auction)).size);
  });
});

describe("every query", () => {
  const shuffled = shuffle(events);

  it.each(queryNames)("%s gives the same whatever the order of the events", (query) => {
    const expected = comparableLines(query, rowsOf(query));
    expect(comparableLines(query, batchQueries[query](shuffled))).toEqual(expected);
    expect(expected.length).toBeGreaterThan(0);
  });

  it.each(queryNames)("%s gives nothing for nothing", (query) => {
    expect(batchQueries[query]([])).toEqual([]);
  });

  it.each(queryNames)("%s gives fields in the same order in every row", (query) => {
    const orders = new Set(rowsOf(query).map((row) => Object.keys(row).join()));
    expect(orders.size).toBe(1);
  });
});

function rowsOf(query: (typeof queryNames)[number]) {
  return batchQueries[query](events);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function countPairs<L, R>(
  left: readonly L[],
  right: readonly R[],
  matches: (left: L, right: R) => boolean,
): number {
  return sum(left.map((one) => right.filter((other) => matches(one, other)).length));
}

function shuffle(elements: readonly NexmarkEvent[]): NexmarkEvent[] {
  const random = new SeededRandom();
  random.reseed(7, 0);
  return elements
    .map((element) => ({ element, place: random.nextUint32() }))
    .toSorted((left, right) => left.place - right.place)
    .map(({ element }) => element);
}
