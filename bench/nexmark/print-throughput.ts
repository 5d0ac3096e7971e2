/**
 * Prints a row per query as soon as it is measured, Flink's published figure beside it: another machine,
 * a cluster with RocksDB, and a hundred million events; something to stand beside ours, not a race.
 */
import { queryFigures } from "./figures.ts";
import { measureQueries } from "./throughput.ts";

export async function printQueryThroughput(eventCount: number, rounds: number): Promise<void> {
  console.log(row("query", "", "Weir, events/s per core", "Flink, published"));
  for await (const { query, eventsPerSecond } of measureQueries(eventCount, rounds)) {
    const { title, flinkEventsPerSecondPerCore } = queryFigures[query];
    console.log(row(query, title, grouped(eventsPerSecond), grouped(flinkEventsPerSecondPerCore)));
  }
}

function row(query: string, title: string, weir: string, flink: string): string {
  return `${query.padEnd(6)}${title.padEnd(42)}${weir.padStart(24)}${flink.padStart(18)}`;
}

function grouped(eventsPerSecond: number | undefined): string {
  return eventsPerSecond === undefined ? "–" : Math.round(eventsPerSecond).toLocaleString("en");
}
