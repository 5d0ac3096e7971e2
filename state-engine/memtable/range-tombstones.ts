/**
 * Deleted key ranges, as a sorted list of ranges that do not overlap, each with the sequence of the
 * newest deletion that covers it: a later deletion takes over what it covers of earlier ones.
 *
 * In a memtable the sequence tells which entries a range deletes. In a table it is not kept: there
 * every point entry is newer than every range, and a range deletes in older tables only.
 */
import { compareBytes, compareKeys } from "../bytes/compare.ts";

export interface RangeTombstone {
  /** Included. */
  readonly start: Uint8Array;
  /** Excluded. */
  readonly end: Uint8Array;
  readonly sequence: number;
}

/** What one deleted range takes at most: its bounds may come to stand in two ranges, each an object. */
export function rangeBytes(start: Uint8Array, end: Uint8Array): number {
  return (start.length + end.length + 64) * 2;
}

export class RangeTombstones {
  #ranges: RangeTombstone[] = [];
  #bytes = 0;

  get ranges(): readonly RangeTombstone[] {
    return this.#ranges;
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  get usedBytes(): number {
    return this.#bytes;
  }

  /** Adds a deletion newer than all before. Keeps the arrays it is given. */
  add(start: Uint8Array, end: Uint8Array, sequence: number): void {
    if (compareKeys(start, end) >= 0) return;
    const first = this.#firstEndingAfter(start, 0, start.length);
    let last = first;
    const replacement: RangeTombstone[] = [];
    const head = this.#ranges[first];
    if (head && compareKeys(head.start, start) < 0) replacement.push({ ...head, end: start });
    replacement.push({ start, end, sequence });
    while (last < this.#ranges.length && compareKeys(this.#ranges[last]!.start, end) < 0) last++;
    const tail = this.#ranges[last - 1];
    if (last > first && tail && compareKeys(end, tail.end) < 0) {
      replacement.push({ ...tail, start: end });
    }
    this.#ranges.splice(first, last - first, ...replacement);
    this.#bytes += rangeBytes(start, end);
  }

  /** Sequence of the newest deletion of the key, -1 when there is none. */
  covering(key: Uint8Array, offset: number, length: number): number {
    const range = this.#ranges[this.#firstEndingAfter(key, offset, length)];
    if (range === undefined) return -1;
    if (compareBytes(range.start, 0, range.start.length, key, offset, length) > 0) return -1;
    return range.sequence;
  }

  /** Index of the first range whose end lies beyond the key. */
  #firstEndingAfter(key: Uint8Array, offset: number, length: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { end } = this.#ranges[middle]!;
      if (compareBytes(end, 0, end.length, key, offset, length) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
