/**
 * The Nexmark generator: the same stream for the same options, in the proportions, with the hot spots, sizes and
 * references the published generator has.
 */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Auction, Bid, NexmarkEvent, Person } from "../../bench/nexmark/generator/event.ts";
import { generateEvents, generateLines } from "../../bench/nexmark/generator/generate-events.ts";
import { verificationWorkload } from "../../bench/nexmark/verification-workload.ts";

const inOrder = { eventCount: 50_000, delayedEventProbability: 0 };
const events = [...generateEvents(inOrder)];
const persons = events.filter((event): event is Person => event.kind === "person");
const auctions = events.filter((event): event is Auction => event.kind === "auction");
const bids = events.filter((event): event is Bid => event.kind === "bid");

describe("the stream", () => {
  it("is the same for the same seed and another for another", () => {
    const first = [...generateLines({ eventCount: 2000 })];
    expect([...generateLines({ eventCount: 2000 })]).toEqual(first);
    expect([...generateLines({ eventCount: 2000, seed: 2 })]).not.toEqual(first);
  });

  it("never changes, so that results of different versions compare", () => {
    const hash = createHash("sha256");
    for (const line of generateLines({ eventCount: 10_000 })) hash.update(`${line}\n`);
    expect(hash.digest("hex")).toBe(
      "5425f97e921ea3ce17e0d2dc3d56c307af5cf7b127cde6f0c76d54fd7c795f18",
    );
  });

  it("keeps the order in which the events of the verified workload arrive", () => {
    const sha256 = (seed: number): string => {
      const hash = createHash("sha256");
      const options = { ...verificationWorkload, eventCount: 10_000, seed };
      for (const line of generateLines(options)) hash.update(`${line}\n`);
      return hash.digest("hex");
    };
    expect([sha256(1), sha256(2)]).toEqual([
      "fe7eacd349cddc0aa776e98e1dc693dc2a92b292c741cd592b0c12c22dbd0a98",
      "8761e08e7ad7545fe3f1439dfeb8b95ddcf3b1b0b8da77c5cebd3814ba9063ca",
    ]);
  });

  it("begins with the same events however long it is", () => {
    const longer = [...generateEvents({ ...inOrder, eventCount: 1000 })];
    expect([...generateEvents({ ...inOrder, eventCount: 300 })]).toEqual(longer.slice(0, 300));
  });

  it("is read back from its lines unchanged", () => {
    const lines = [...generateLines({ ...inOrder, eventCount: 500 })];
    expect(lines.map((line) => JSON.parse(line) as NexmarkEvent)).toEqual(events.slice(0, 500));
    expect(lines.join("")).not.toContain("\n");
  });

  it("has one person, three auctions and 46 bids in every fifty events", () => {
    for (let start = 0; start < events.length; start += 50) {
      const kinds = events.slice(start, start + 50).map((event) => event.kind);
      expect(kinds).toEqual([
        "person",
        ...Array.from({ length: 3 }, () => "auction"),
        ...Array.from({ length: 46 }, () => "bid"),
      ]);
    }
  });

  it("advances event time evenly from the base time", () => {
    expect(events.map((event) => event.dateTime)).toEqual(
      events.map((_, index) => Date.UTC(2015, 6, 15) + Math.floor(index / 10)),
    );
  });
});

describe("ids and references", () => {
  it("count up from 1000 without gaps", () => {
    expect(persons.map(({ id }) => id)).toEqual(persons.map((_, index) => 1000 + index));
    expect(auctions.map(({ id }) => id)).toEqual(auctions.map((_, index) => 1000 + index));
  });

  it("reach at most ten auctions ahead and a hundred back", () => {
    let newest = 0;
    const outOfReach = events.filter((event) => {
      if (event.kind === "auction") newest = event.id;
      return event.kind === "bid" && !isWithin(event.auction, newest - 100, newest + 10);
    });
    expect(outOfReach).toEqual([]);
  });

  it("reach at most ten people ahead and a thousand back", () => {
    let newest = 0;
    const outOfReach = events.filter((event) => {
      if (event.kind === "person") newest = event.id;
      const reference =
        event.kind === "auction" ? event.seller : event.kind === "bid" ? event.bidder : newest;
      return !isWithin(reference, newest - 1000, newest + 10);
    });
    expect(outOfReach).toEqual([]);
  });
});

describe("hot spots", () => {
  it("draw half of the bids to the first of the newest hundred auctions", () => {
    expect(shareOf(bids, (bid) => bid.auction % 100 === 0)).toBeCloseTo(0.5 + 0.5 / 100, 1.5);
  });

  it("give three quarters of the bids to the second of the newest hundred people", () => {
    expect(shareOf(bids, (bid) => bid.bidder % 100 === 1)).toBeCloseTo(0.75 + 0.25 / 100, 1.5);
  });

  it("give three quarters of the auctions to the first of the newest hundred people", () => {
    expect(shareOf(auctions, (auction) => auction.seller % 100 === 0)).toBeCloseTo(0.7525, 1.5);
  });

  it("send half of the bids through four channels", () => {
    const isHot = (bid: Bid) => ["Google", "Facebook", "Baidu", "Apple"].includes(bid.channel);
    expect(shareOf(bids, isHot)).toBeCloseTo(0.5, 1.5);
    expect(new Set(bids.filter(isHot).map((bid) => bid.url)).size).toBe(4);
  });

  it("name a channel id in nine of ten other URLs, the same for each bid of a channel", () => {
    const cold = bids.filter((bid) => bid.channel.startsWith("channel-"));
    expect(shareOf(cold, (bid) => bid.url.includes("&channel_id="))).toBeCloseTo(0.9, 1.5);
    const pairs = new Set(cold.map((bid) => `${bid.channel} ${bid.url}`));
    expect(pairs.size).toBe(new Set(cold.map((bid) => bid.channel)).size);
  });
});

describe("values", () => {
  it("bring events to 200, 500 and 100 bytes on average, numbers counted as eight", () => {
    expect(averageOf(persons, idealizedBytes)).toBeCloseTo(200, -1);
    expect(averageOf(auctions, idealizedBytes)).toBeCloseTo(500, -1);
    expect(averageOf(bids, idealizedBytes)).toBeCloseTo(100, -1);
  });

  it("spread prices evenly over six orders of magnitude", () => {
    for (const [low, high] of [
      [100, 10_000],
      [10_000, 1_000_000],
      [1_000_000, 100_000_001],
    ] as const) {
      const share = shareOf(bids, (bid) => bid.price >= low && bid.price < high);
      expect(share).toBeCloseTo(1 / 3, 1.5);
    }
  });

  it("let auctions last as long as a hundred more take to be listed, on average", () => {
    const horizonMs = ((100 * 50) / 3) * 0.1;
    expect(
      averageOf(auctions, (auction) => auction.expires - auction.dateTime) / horizonMs,
    ).toBeCloseTo(1, 1);
    expect(auctions.every((auction) => auction.expires > auction.dateTime)).toBe(true);
  });

  it("use five categories from 10", () => {
    expect(new Set(auctions.map((auction) => auction.category))).toEqual(
      new Set([10, 11, 12, 13, 14]),
    );
  });
});

function isWithin(value: number, lowest: number, highest: number): boolean {
  return value >= lowest && value <= highest;
}

/** Bytes as the published sizes count them: a bid's channel and URL not at all, of a person's and an auction's numbers one less. */
function idealizedBytes(event: NexmarkEvent): number {
  const { kind, ...fields } = event;
  const counted = kind === "bid" ? { ...fields, channel: "", url: "" } : fields;
  return Object.values(counted)
    .map((value) => (typeof value === "number" ? 8 : value.length))
    .reduce((total, bytes) => total + bytes, kind === "bid" ? 0 : -8);
}

function shareOf<T>(elements: readonly T[], holds: (element: T) => boolean): number {
  return elements.filter(holds).length / elements.length;
}

function averageOf<T>(elements: readonly T[], valueOf: (element: T) => number): number {
  return elements.reduce((total, element) => total + valueOf(element), 0) / elements.length;
}
