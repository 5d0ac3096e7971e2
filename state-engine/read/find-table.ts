/**
 * Which table of a run may hold a key. Where bounds were shortened to a prefix that several tables share, the
 * keys in their tails decide between them, by binary search. Nothing is allocated by a search.
 */
import { compareBytes } from "../bytes/compare.ts";
import type { Table } from "../sst/table.ts";
import { lastTableFrom } from "../version/version.ts";
import type { Run } from "../version/version.ts";
import type { BlockLoader } from "./block-loader.ts";

/**
 * The only table that may hold the key or delete it; undefined when there is none. While a tail that decides is
 * not resident, the table it belongs to: who loads it and asks again comes closer.
 */
export function findTable(
  run: Run,
  key: Uint8Array,
  offset: number,
  length: number,
  loader: BlockLoader,
): Table | undefined {
  const { tables } = run;
  let high = lastTableFrom(run, key, offset, length);
  if (high < 0 || !endsAbove(tables[high]!, key, offset, length)) return undefined;
  if (!run.overlaps) return tables[high];
  let low = high;
  while (low > 0 && endsAbove(tables[low - 1]!, key, offset, length)) low--;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const tail = loader.tail(tables[middle]!);
    if (tail === undefined) return tables[middle];
    const { smallestKey } = tail.properties;
    if (compareBytes(smallestKey, 0, smallestKey.length, key, offset, length) <= 0) low = middle;
    else high = middle - 1;
  }
  return tables[low];
}

function endsAbove({ upper }: Table, key: Uint8Array, offset: number, length: number): boolean {
  return compareBytes(key, offset, length, upper, 0, upper.length) < 0;
}
