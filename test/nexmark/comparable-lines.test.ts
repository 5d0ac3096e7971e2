/**
 * How results of jobs and batches are brought into one form, and the table of queries and figures.
 */
import { describe, expect, it } from "vitest";
import { batchQueries } from "../../bench/nexmark/batch/batch-queries.ts";
import { comparableLines } from "../../bench/nexmark/batch/comparable-lines.ts";
import { queryFigures } from "../../bench/nexmark/figures.ts";
import { queryNames } from "../../bench/nexmark/query-names.ts";

describe("comparable lines", () => {
  it("are a sorted bag where rows stand for ever", () => {
    const rows = [
      { auction: 246, price: 2 },
      { auction: 123, price: 1 },
      { auction: 246, price: 2 },
    ];
    expect(comparableLines("q2", rows)).toEqual([
      '{"auction":123,"price":1}',
      '{"auction":246,"price":2}',
      '{"auction":246,"price":2}',
    ]);
  });

  it("are the last row of each key where rows replace one another", () => {
    const rows = [
      { auction: 1, rankNumber: 1, price: 5 },
      { auction: 11, rankNumber: 1, price: 6 },
      { auction: 1, rankNumber: 1, price: 7 },
      { auction: 1, rankNumber: 2, price: 5 },
    ];
    expect(comparableLines("q19", rows)).toEqual([
      '{"auction":1,"rankNumber":1,"price":7}',
      '{"auction":1,"rankNumber":2,"price":5}',
      '{"auction":11,"rankNumber":1,"price":6}',
    ]);
  });

  it("are sums per key where windows depend on the run", () => {
    const rows = [
      { bidder: 1, bidCount: 2, windowStart: 0, windowEnd: 10_000 },
      { bidder: 2, bidCount: 1, windowStart: 0, windowEnd: 10_000 },
      { bidder: 1, bidCount: 3, windowStart: 10_000, windowEnd: 20_000 },
    ];
    expect(comparableLines("q12", rows)).toEqual([
      '{"bidder":1,"bidCount":5}',
      '{"bidder":2,"bidCount":1}',
    ]);
  });

  it("refuse a row without the field it is compared by", () => {
    expect(() => comparableLines("q4", [{ averagePrice: 1 }])).toThrow(/field=category/);
  });
});

describe("the table of queries", () => {
  it("has a batch query and figures for each name, and nothing else", () => {
    expect(Object.keys(batchQueries)).toEqual([...queryNames]);
    expect(Object.keys(queryFigures)).toEqual([...queryNames]);
  });

  it("adds up to the published total of core-seconds", () => {
    // 100 million events a query; q10, which does not run here, took 1729.8 of the 51,495.9 core-seconds.
    const coreSeconds = Object.values(queryFigures)
      .map((figures) => figures.flinkEventsPerSecondPerCore)
      .filter((rate) => rate !== undefined)
      .reduce((total, rate) => total + 100_000_000 / rate, 0);
    expect(coreSeconds / (51_495.92 - 1729.775)).toBeCloseTo(1, 3);
  });
});
