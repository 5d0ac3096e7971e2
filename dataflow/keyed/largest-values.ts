/**
 * The n largest values of a stream of entries, in bounded memory: a binary heap whose root is the
 * first to go. Order: value descending, then key ascending.
 *
 * Values are compared as numbers first and exactly only when that does not decide, because decoding
 * 64 bits exactly costs an allocation.
 */
import {
  STATE_KEY_HEADER_BYTES,
  decodeInt64,
  decodeInt64Number,
} from "../../state-engine/index.ts";
import { compareKeys } from "../../state-engine/bytes/compare.ts";

export interface RankedEntry {
  readonly stateKey: Uint8Array;
  /** The key alone. */
  readonly key: Uint8Array;
  /** The value, decoded and as it is stored. */
  readonly value: bigint;
  readonly bytes: Uint8Array;
}

type Rank = Pick<RankedEntry, "value" | "key">;

export class LargestValues {
  readonly #limit: number;
  /** Only entries that come after this one count. */
  readonly #after: Rank | undefined;
  readonly #afterNumber: number;
  /** Every entry comes after its children. */
  readonly #heap: RankedEntry[] = [];
  #leastNumber = -Infinity;

  constructor(limit: number, after: Rank | undefined) {
    this.#limit = limit;
    this.#after = after;
    this.#afterNumber = after === undefined ? Infinity : Number(after.value);
  }

  add(stateKey: Uint8Array, bytes: Uint8Array): void {
    const approximate = decodeInt64Number(bytes);
    // Rounding keeps the order of what it does not make equal.
    if (approximate > this.#afterNumber || approximate < this.#leastNumber) return;
    const key = stateKey.subarray(STATE_KEY_HEADER_BYTES);
    const entry = { stateKey, key, value: decodeInt64(bytes), bytes };
    if (this.#after !== undefined && compareRanks(entry, this.#after) <= 0) return;
    if (this.#heap.length < this.#limit) {
      this.#heap.push(entry);
      this.#siftUp(this.#heap.length - 1);
    } else if (compareRanks(entry, this.#heap[0]!) < 0) {
      this.#heap[0] = entry;
      this.#siftDown();
    } else {
      return;
    }
    if (this.#heap.length === this.#limit) this.#leastNumber = Number(this.#heap[0]!.value);
  }

  /** What was kept, in order. */
  take(): readonly RankedEntry[] {
    return this.#heap.toSorted(compareRanks);
  }

  #siftUp(from: number): void {
    const heap = this.#heap;
    for (let child = from; child > 0;) {
      const parent = (child - 1) >> 1;
      if (compareRanks(heap[child]!, heap[parent]!) <= 0) return;
      [heap[child], heap[parent]] = [heap[parent]!, heap[child]!];
      child = parent;
    }
  }

  #siftDown(): void {
    const heap = this.#heap;
    for (let parent = 0; ;) {
      const left = parent * 2 + 1;
      if (left >= heap.length) return;
      const right = left + 1;
      const later =
        right < heap.length && compareRanks(heap[right]!, heap[left]!) > 0 ? right : left;
      if (compareRanks(heap[later]!, heap[parent]!) <= 0) return;
      [heap[later], heap[parent]] = [heap[parent]!, heap[later]!];
      parent = later;
    }
  }
}

/** Negative when `left` comes first: its value is larger, or equal and its key smaller. */
function compareRanks(left: Rank, right: Rank): number {
  if (left.value !== right.value) return left.value > right.value ? -1 : 1;
  return compareKeys(left.key, right.key);
}
