/**
 * Makes the blocks for a batch of reads resident, keys and ranges alike: one round for the tails of the
 * tables in question, one for blocks, near ranges joined [35].
 *
 * Of a range that was given a limit it brings where each run's part begins: how far the limit reaches
 * shows only in the entries.
 */
import type { StateRange, StateRead } from "../engine-types.ts";
import { stateKeyHash } from "../state/state-key.ts";
import { TAIL } from "./block-loader.ts";
import type { BlockLoader, BlockNeed } from "./block-loader.ts";
import type { PointReader } from "./point-reader.ts";
import { earlier, later, meets } from "./read-view.ts";
import type { ReadView } from "./read-view.ts";

/**
 * Rounds before which others' blocks make room. Those after them bring back what that took of this batch
 * itself as far as it fits, and take nothing: so they come to an end.
 */
const ROUNDS_WITH_ROOM = 2;

/**
 * Answers how many reads, from the first, can be done now: as many as fit in half of what the cache may hold.
 * Of a range that is too large by itself, a part.
 */
export async function fetchReads(
  reads: readonly StateRead[],
  reader: PointReader,
  loader: BlockLoader,
  view: () => ReadView,
  cacheLimitBytes: number,
): Promise<number> {
  const limitBytes = cacheLimitBytes >> 1;
  let count = reads.length;
  let loadedBytes = 0;
  for (let round = 0; ; round++) {
    const hasRoom = round < ROUNDS_WITH_ROOM;
    const leftBytes = Math.max(0, cacheLimitBytes - loader.cache.usedBytes);
    const roundBytes = hasRoom ? limitBytes : Math.min(limitBytes, leftBytes);
    const needs = new Needs(limitBytes, loadedBytes, roundBytes);
    let covered = 0;
    while (covered < count && !needs.isFull) {
      const read = reads[covered++]!;
      if (read instanceof Uint8Array) {
        const found: BlockNeed[] = [];
        reader.collectNeeds(view(), read, stateKeyHash(read, 0, read.length), found);
        for (const need of found) needs.add(need);
      } else {
        collectRange(view(), read, loader, needs);
      }
    }
    count = covered;
    if (needs.all.length === 0) return count;
    if (hasRoom) loader.cache.trim(Math.max(0, cacheLimitBytes - needs.bytes));
    await loader.load(needs.all);
    loadedBytes += needs.bytes;
  }
}

/** Blocks and tails to be read, each once, until they are as many bytes as may be. */
class Needs {
  readonly all: BlockNeed[] = [];
  readonly #seen = new Map<unknown, Set<number>>();
  readonly #limitBytes: number;
  readonly #loadedBytes: number;
  readonly #roundBytes: number;
  bytes = 0;

  /** `loadedBytes`: what rounds before brought for the same reads; `roundBytes`: what this one may. */
  constructor(limitBytes: number, loadedBytes: number, roundBytes: number) {
    this.#limitBytes = limitBytes;
    this.#loadedBytes = loadedBytes;
    this.#roundBytes = roundBytes;
  }

  get isFull(): boolean {
    return this.bytes > this.#roundBytes;
  }

  /** All rounds together: a key has few blocks, a range may have any number. */
  get hasRoomForRange(): boolean {
    return this.#loadedBytes + this.bytes <= this.#limitBytes;
  }

  add(need: BlockNeed): void {
    const indexes = this.#seen.get(need.table) ?? new Set<number>();
    if (indexes.has(need.index)) return;
    this.#seen.set(need.table, indexes.add(need.index));
    this.all.push(need);
    this.bytes += bytesOf(need);
  }
}

function collectRange(
  { version }: ReadView,
  { start, end, limit }: StateRange,
  loader: BlockLoader,
  needs: Needs,
): void {
  const bounds = { lower: start, upper: end, reverse: false };
  for (const run of version.runs) {
    for (const [index, table] of run.tables.entries()) {
      if (!meets(run, index, bounds)) continue;
      if (!needs.hasRoomForRange) return;
      const tail = loader.tail(table);
      if (tail === undefined) {
        needs.add({ table, index: TAIL });
      } else {
        const from = later(run.lowers[index]!, start);
        const to = earlier(table.upper, end);
        const first = tail.blockFor(from, 0, from.length);
        const last = Math.min(tail.blockFor(to, 0, to.length), tail.blocks.length - 1);
        for (let block = first; block <= last && needs.hasRoomForRange; block++) {
          if (loader.block(table, block) === undefined) needs.add({ table, index: block });
          if (limit !== Infinity) break;
        }
      }
      if (limit !== Infinity) break;
    }
  }
}

/** What it takes in memory: of a block, its part of the table's bytes before any coding. */
function bytesOf({ table, index }: BlockNeed): number {
  const { size, indexOffset } = table.description;
  if (index === TAIL) return (size - indexOffset) * 2;
  const { blocks, properties } = table.tail!;
  const stored = blocks[index]!.size;
  return Math.ceil(stored * Math.max(1, properties.rawBytes / indexOffset));
}
