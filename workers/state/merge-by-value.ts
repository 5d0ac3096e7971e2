/**
 * Merges what each partition answered, largest value first, equal ones in order of key. Pure.
 *
 * Promise: stops where a partition's answer ends although it has more: what it holds back may come
 * next. So no entry is ever skipped.
 */
import { compareKeys } from "../../state-engine/bytes/compare.ts";
import type { StateEntry } from "../../durable-objects/messages.ts";

export interface RankedEntry {
  readonly entry: StateEntry;
  readonly value: bigint;
  readonly key: Uint8Array;
  /** Its size in the answer. */
  readonly bytes: number;
}

export interface RankedPage {
  /** In the common order. */
  readonly entries: readonly RankedEntry[];
  readonly hasNext: boolean;
}

export interface MergedPage {
  readonly taken: readonly RankedEntry[];
  readonly hasMore: boolean;
}

export function mergeByValue(
  pages: readonly RankedPage[],
  { limit, limitBytes }: { readonly limit: number; readonly limitBytes: number },
): MergedPage {
  const positions = pages.map(() => 0);
  const taken: RankedEntry[] = [];
  let bytes = 0;
  for (;;) {
    const first = indexOfFirst(pages, positions);
    if (first === "end") return { taken, hasMore: false };
    if (first === "heldBack" || taken.length === limit) return { taken, hasMore: true };
    const entry = pages[first]!.entries[positions[first]!]!;
    bytes += entry.bytes;
    if (bytes > limitBytes && taken.length > 0) return { taken, hasMore: true };
    taken.push(entry);
    positions[first]!++;
  }
}

function indexOfFirst(
  pages: readonly RankedPage[],
  positions: readonly number[],
): number | "end" | "heldBack" {
  let first: number | undefined;
  for (const [index, page] of pages.entries()) {
    const entry = page.entries[positions[index]!];
    if (entry === undefined) {
      if (page.hasNext) return "heldBack";
    } else if (first === undefined || comesBefore(entry, headOf(pages, positions, first))) {
      first = index;
    }
  }
  return first ?? "end";
}

function headOf(
  pages: readonly RankedPage[],
  positions: readonly number[],
  index: number,
): RankedEntry {
  return pages[index]!.entries[positions[index]!]!;
}

function comesBefore(left: RankedEntry, right: RankedEntry): boolean {
  if (left.value !== right.value) return left.value > right.value;
  return compareKeys(left.key, right.key) < 0;
}
