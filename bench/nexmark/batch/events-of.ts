/**
 * The plain-array tools the batch queries share: one kind of event, groups, and a join on equal keys.
 */
import type { Auction, Bid, NexmarkEvent, Person } from "../generator/event.ts";

export function personsOf(events: readonly NexmarkEvent[]): Person[] {
  return events.filter((event) => event.kind === "person");
}

export function auctionsOf(events: readonly NexmarkEvent[]): Auction[] {
  return events.filter((event) => event.kind === "auction");
}

export function bidsOf(events: readonly NexmarkEvent[]): Bid[] {
  return events.filter((event) => event.kind === "bid");
}

/** Elements by key, in their order. Compound keys are given as text. */
export function groupBy<T, K extends string | number>(
  elements: readonly T[],
  keyOf: (element: T) => K,
): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const element of elements) {
    const key = keyOf(element);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [element]);
    else group.push(element);
  }
  return groups;
}

/** Every pair of elements with equal keys (an inner join). */
export function joinOn<L, R, K extends string | number>(
  left: readonly L[],
  leftKeyOf: (element: L) => K,
  right: readonly R[],
  rightKeyOf: (element: R) => K,
): [L, R][] {
  const rightByKey = groupBy(right, rightKeyOf);
  return left.flatMap((element) =>
    (rightByKey.get(leftKeyOf(element)) ?? []).map((match): [L, R] => [element, match]),
  );
}
