/** The part of a range of keys that an engine owns. Pure. */
import { compareKeys } from "../bytes/compare.ts";
import type { KeyGroupRange } from "../version/table-reference.ts";
import { keyGroupStart } from "./state-key.ts";

/** From `start` (included) to `end` (excluded) within the key groups; undefined when that is empty. Fresh arrays. */
export function ownedRange(
  keyGroups: KeyGroupRange,
  start: Uint8Array,
  end: Uint8Array,
): { readonly from: Uint8Array; readonly to: Uint8Array } | undefined {
  const lower = keyGroupStart(keyGroups.first);
  const upper = keyGroupStart(keyGroups.last + 1);
  const from = compareKeys(start, lower) > 0 ? start.slice() : lower;
  const to = compareKeys(end, upper) < 0 ? end.slice() : upper;
  return compareKeys(from, to) < 0 ? { from, to } : undefined;
}
