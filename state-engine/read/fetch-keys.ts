/**
 * Makes the blocks for a batch of keys resident: one round for the tails of the tables in question,
 * one for blocks, near ranges joined [35].
 */
import { stateKeyHash } from "../state/state-key.ts";
import { TAIL } from "./block-loader.ts";
import type { BlockLoader, BlockNeed } from "./block-loader.ts";
import type { PointReader } from "./point-reader.ts";
import type { ReadView } from "./read-view.ts";

/** A block's bytes in memory against those in the table, at worst usual compression. */
const EXPANSION = 6;

/** Answers how many keys, from the first, can be looked up now. */
export async function fetchKeys(
  keys: readonly Uint8Array[],
  reader: PointReader,
  loader: BlockLoader,
  view: () => ReadView,
  limitBytes: number,
): Promise<number> {
  let count = keys.length;
  for (;;) {
    const needs: BlockNeed[] = [];
    const seen = new Map<unknown, Set<number>>();
    let bytes = 0;
    let covered = 0;
    while (covered < count) {
      const key = keys[covered]!;
      const found: BlockNeed[] = [];
      reader.collectNeeds(view(), key, stateKeyHash(key, 0, key.length), found);
      for (const need of found) {
        const indexes = seen.get(need.table) ?? new Set<number>();
        if (indexes.has(need.index)) continue;
        seen.set(need.table, indexes.add(need.index));
        needs.push(need);
        bytes += bytesOf(need);
      }
      covered++;
      if (bytes > limitBytes) break;
    }
    count = covered;
    if (needs.length === 0) return count;
    await loader.load(needs);
  }
}

function bytesOf({ table, index }: BlockNeed): number {
  const { size, indexOffset } = table.description;
  if (index === TAIL) return (size - indexOffset) * 2;
  return table.tail!.blocks[index]!.size * EXPANSION;
}
