/**
 * Orders of bids where a query asks for the first one. SQL leaves bids that tie in any order and Flink takes the
 * order of arrival; both are no use to compare runs by. So ties are broken by content: whatever the query
 * orders by, then the bid's other fields in turn (numbers ascending, text by code unit). Bids that still tie are equal.
 */
import type { Bid } from "../generator/event.ts";

type Compare = (left: Bid, right: Bid) => number;

/** The highest price first, then the earliest. */
export const highestFirst: Compare = (left, right) =>
  right.price - left.price || left.dateTime - right.dateTime || byContent(left, right);

/** The latest first, then the highest price. */
export const latestFirst: Compare = (left, right) =>
  right.dateTime - left.dateTime || right.price - left.price || byContent(left, right);

function byContent(left: Bid, right: Bid): number {
  return (
    left.auction - right.auction ||
    left.bidder - right.bidder ||
    compareText(left.channel, right.channel) ||
    compareText(left.url, right.url) ||
    compareText(left.extra, right.extra)
  );
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
