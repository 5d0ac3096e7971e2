/**
 * Query 11, user sessions: how many bids a bidder made in each of their sessions. Event-time session windows
 * with a gap of 10 s: bids at most 10 s apart share a session (Flink merges windows that touch), which ends
 * 10 s after its last bid. Emitted: once per session, when the watermark passes its end.
 * Compare: as a bag of rows.
 */
import { bidsOf, groupBy } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";
import { sessionsOf } from "./windows.ts";

export const q11: BatchQuery = (events) =>
  [...groupBy(bidsOf(events), (bid) => bid.bidder)].flatMap(([bidder, bids]) =>
    sessionsOf(
      bids.map((bid) => bid.dateTime),
      GAP_MS,
    ).map((session) => ({
      bidder,
      bidCount: session.count,
      windowStart: session.windowStart,
      windowEnd: session.windowEnd,
    })),
  );

const GAP_MS = 10_000;
