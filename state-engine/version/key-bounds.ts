/**
 * The bounds of a table's keys as its reference carries them. A key may have a mebibyte, and every checkpoint
 * repeats the references of all tables, so a long bound is shortened to a prefix that is still at or
 * below every key, or to the end of that prefix, still above every key (LevelDB's separators). Pure.
 *
 * Shortened bounds of two tables that were cut within one long prefix are the same: they overlap in that prefix
 * and nowhere else. Which of them comes first is then said by `position`.
 */
import { compareKeys, sharedPrefixLength } from "../bytes/compare.ts";
import { successor } from "../sst/table.ts";
import type { Table } from "../sst/table.ts";
import { keyGroupStart, prefixEnd } from "../state/state-key.ts";

/** Both included. */
export interface KeyBounds {
  readonly smallestKey: Uint8Array;
  readonly largestKey: Uint8Array;
}

/** The bounds themselves when neither is longer than `limitBytes`. */
export function shortenBounds(exact: KeyBounds, limitBytes: number): KeyBounds {
  const { smallestKey, largestKey } = exact;
  const isShort = smallestKey.length <= limitBytes && largestKey.length <= limitBytes;
  if (isShort) return exact;
  return {
    smallestKey: smallestKey.slice(0, limitBytes),
    largestKey: shortenedLargest(largestKey, limitBytes),
  };
}

function shortenedLargest(largestKey: Uint8Array, limitBytes: number): Uint8Array {
  if (largestKey.length <= limitBytes) return largestKey;
  const prefix = largestKey.subarray(0, limitBytes);
  // Nothing is above a prefix of FF bytes alone.
  return prefix.every((byte) => byte === 0xff) ? largestKey : prefixEnd(prefix);
}

/** Whether `bounds` are what some limit makes of `exact`. */
export function areShortenedFrom(bounds: KeyBounds, exact: KeyBounds): boolean {
  return (
    sharedWithKey(bounds.smallestKey, exact.smallestKey) === bounds.smallestKey.length &&
    (compareKeys(bounds.largestKey, exact.largestKey) === 0 ||
      isEndOfPrefix(bounds.largestKey, exact.largestKey))
  );
}

/** Whether prefixEnd() of a prefix of `key` is `end`. */
function isEndOfPrefix(end: Uint8Array, key: Uint8Array): boolean {
  const last = end.length - 1;
  return last < key.length && sharedWithKey(end, key) === last && end[last] === key[last]! + 1;
}

function sharedWithKey(bound: Uint8Array, key: Uint8Array): number {
  return sharedPrefixLength(bound, 0, bound.length, key, 0, key.length);
}

/**
 * Whether two neighbours of a run overlap in nothing but the prefix to which the bounds between them were
 * shortened, and say their order.
 */
export function overlapInPrefix(before: Table, after: Table): boolean {
  const first = before.description.position;
  const second = after.description.position;
  if (first === undefined || second === undefined || first >= second) return false;
  const end = successor(prefixEnd(after.lower));
  const clipEnd = keyGroupStart(before.description.keyGroups.last + 1);
  return compareKeys(before.upper, compareKeys(end, clipEnd) < 0 ? end : clipEnd) === 0;
}
