/**
 * What every query begins with: the posted lines of NDJSON as events, with event time where the query needs
 * it, and the streams of one kind of event. Lines are trusted to be the generator's; nothing validates them.
 */
import { job } from "../../../dataflow/job.ts";
import type { Stream } from "../../../dataflow/job.ts";
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import type { Auction, Bid, NexmarkEvent, Person } from "../generator/event.ts";
import { PUBLISHED_WATERMARK_DELAY_MS } from "../verification-workload.ts";

/** Events of every kind, in the order of the log, without event time. */
export function nexmarkEvents(name: string, options: JobOptionsInput): Stream<NexmarkEvent> {
  return job(name, options)
    .lines()
    .map((line) => JSON.parse(line) as NexmarkEvent);
}

/** The same with event time, whose watermarks trail behind the latest event of any kind as published. */
export function timedNexmarkEvents(name: string, options: JobOptionsInput): Stream<NexmarkEvent> {
  return nexmarkEvents(name, options).assignTimestampsAndWatermarks(
    watermarks.boundedOutOfOrderness(PUBLISHED_WATERMARK_DELAY_MS, (event) => event.dateTime),
  );
}

export function personsIn(events: Stream<NexmarkEvent>): Stream<Person> {
  return events.filter((event) => event.kind === "person");
}

export function auctionsIn(events: Stream<NexmarkEvent>): Stream<Auction> {
  return events.filter((event) => event.kind === "auction");
}

export function bidsIn(events: Stream<NexmarkEvent>): Stream<Bid> {
  return events.filter((event) => event.kind === "bid");
}
