/**
 * Query 8, monitor new users: people who registered and listed an auction within the same tumbling event-time
 * window of 10 s. One row a person and window, however many auctions they listed in it.
 * Emitted: once per window, when the watermark passes its end.
 * Compare: as a bag of rows.
 */
import { auctionsOf, personsOf } from "./events-of.ts";
import type { BatchQuery } from "./result-row.ts";
import { tumblingWindow } from "./windows.ts";

export const q8: BatchQuery = (events) => {
  const sellersByWindow = new Set(
    auctionsOf(events).map(
      ({ seller, dateTime }) => `${seller} ${tumblingWindow(dateTime, SIZE_MS).windowStart}`,
    ),
  );
  return personsOf(events)
    .map(({ id, name, dateTime }) => ({
      id,
      name,
      windowStart: tumblingWindow(dateTime, SIZE_MS).windowStart,
    }))
    .filter(({ id, windowStart }) => sellersByWindow.has(`${id} ${windowStart}`));
};

const SIZE_MS = 10_000;
