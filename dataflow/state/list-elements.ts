/**
 * The stored elements of a list state, one after the other: with a TTL eight bytes of deadline, then length and
 * bytes of the element.
 */
import { ByteReader } from "../../state-engine/bytes/byte-reader.ts";
import { TIMESTAMP_BYTES, readTimestamp } from "../time/timestamp.ts";

export interface StoredElement {
  /** Where it begins and ends in the list. */
  readonly begin: number;
  readonly end: number;
  /** Infinity without TTL. */
  readonly deadline: number;
  /** Views of the element. */
  readonly bytes: Uint8Array;
}

export function* listElements(
  stored: Uint8Array,
  hasDeadlines: boolean,
): Generator<StoredElement, void, undefined> {
  const reader = new ByteReader(stored, 0, stored.length, "A list state");
  while (reader.remaining > 0) {
    const begin = reader.offset;
    const deadline = hasDeadlines ? readTimestamp(reader.raw(TIMESTAMP_BYTES), 0) : Infinity;
    const bytes = reader.slice();
    yield { begin, end: reader.offset, deadline, bytes };
  }
}

/** The elements whose deadline is after `time`: the same array when that is all of them. */
export function aliveElements(stored: Uint8Array, time: number): Uint8Array {
  let left: Uint8Array | undefined;
  let used = 0;
  for (const { begin, end, deadline } of listElements(stored, true)) {
    const isAlive = deadline > time;
    if (left === undefined && !isAlive) {
      left = stored.slice();
      used = begin;
    } else if (left !== undefined && isAlive) {
      left.copyWithin(used, begin, end);
      used += end - begin;
    }
  }
  return left?.slice(0, used) ?? stored;
}
