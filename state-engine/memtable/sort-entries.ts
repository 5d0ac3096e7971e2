/**
 * Puts a memtable's entries in order of key. V8 sorts arrays of 64-bit integers natively, far faster
 * than anything with a comparator, so each entry becomes one: the first six bytes in which the keys
 * differ at all, and the entry's position. Equal ones among them are sorted again, by later bytes.
 */
import { compareBytes } from "../bytes/compare.ts";
import { freeBytes } from "../bytes/free.ts";
import type { Memtable } from "./memtable.ts";

/** Below this many entries comparing is cheaper than packing. */
const SMALL = 12;
/** Bytes packed beside a position of 16 bits, and beside one of 32. */
const MANY_BYTES = 6;
const FEW_BYTES = 4;
/** How far into the keys differing bytes are looked for at a time. */
const WINDOW_BYTES = 64;

/** `sorted`: the order of the first entries, as it was answered before; only those since are sorted. */
export function sortEntries(memtable: Memtable, sorted: Uint32Array): Uint32Array {
  const added = new Uint32Array(memtable.count - sorted.length);
  for (let index = 0; index < added.length; index++) added[index] = sorted.length + index;
  sortRange(memtable, added, 0, added.length, 0);
  return sorted.length === 0 ? added : insertAll(memtable, sorted, added);
}

/** Both are in order: each added entry is looked for, and what lies between two is copied at once. */
function insertAll(memtable: Memtable, sorted: Uint32Array, added: Uint32Array): Uint32Array {
  const order = new Uint32Array(sorted.length + added.length);
  let from = 0;
  for (let index = 0; index < added.length; index++) {
    let low = from;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(memtable, sorted[middle]!, added[index]!) < 0) low = middle + 1;
      else high = middle;
    }
    order.set(sorted.subarray(from, low), from + index);
    order[low + index] = added[index]!;
    from = low;
  }
  order.set(sorted.subarray(from), from + added.length);
  freeBytes(added);
  return order;
}

/** Sorts order[from, to), whose keys share their first `depth` bytes. */
function sortRange(
  memtable: Memtable,
  order: Uint32Array,
  from: number,
  to: number,
  depth: number,
): void {
  const count = to - from;
  if (count <= SMALL) {
    insertionSort(memtable, order, from, to);
    return;
  }
  const bytes = count <= 0x10000 ? MANY_BYTES : FEW_BYTES;
  const places = differingPlaces(memtable, order, from, to, depth, bytes);
  if (places === undefined) {
    order.subarray(from, to).sort((left, right) => compare(memtable, left, right));
    return;
  }
  const before = order.slice(from, to);
  const packed = new BigUint64Array(count);
  const words = new Uint32Array(packed.buffer);
  for (let index = 0; index < count; index++) pack(memtable, before[index]!, places, words, index);
  packed.sort();
  const positionMask = bytes === MANY_BYTES ? 0xffff : 0xffff_ffff;
  let runStart = 0;
  for (let index = 0; index < count; index++) {
    const at = index * 2;
    order[from + index] = before[(words[at]! & positionMask) >>> 0]!;
    if (index === 0) continue;
    const differs =
      words[at + 1] !== words[at - 1] ||
      (words[at]! & ~positionMask) !== (words[at - 2]! & ~positionMask);
    if (!differs) continue;
    sortTies(memtable, order, from + runStart, from + index, places.at(-1)! + 1);
    runStart = index;
  }
  freeBytes(packed);
  freeBytes(before);
  sortTies(memtable, order, from + runStart, to, places.at(-1)! + 1);
}

function sortTies(
  memtable: Memtable,
  order: Uint32Array,
  from: number,
  to: number,
  depth: number,
): void {
  if (to - from >= 2) sortRange(memtable, order, from, to, depth);
}

/**
 * The first `bytes` places at or after `depth` where the keys differ, a missing byte counting as 00; at
 * least one. Undefined when they do not differ within the window: keys alike for that long, or that
 * differ in trailing zero bytes alone, are for comparing.
 */
function differingPlaces(
  memtable: Memtable,
  order: Uint32Array,
  from: number,
  to: number,
  depth: number,
  bytes: number,
): number[] | undefined {
  const { arena } = memtable;
  const first = order[from]!;
  const firstOffset = memtable.keyOffset(first) + depth;
  const firstLength = memtable.keyLength(first) - depth;
  const differences = new Uint8Array(WINDOW_BYTES);
  for (let index = from + 1; index < to; index++) {
    const offset = memtable.keyOffset(order[index]!) + depth;
    const length = memtable.keyLength(order[index]!) - depth;
    const limit = Math.min(WINDOW_BYTES, Math.max(length, firstLength));
    for (let place = 0; place < limit; place++) {
      const byte = place < length ? arena[offset + place]! : 0;
      const other = place < firstLength ? arena[firstOffset + place]! : 0;
      differences[place]! |= byte ^ other;
    }
  }
  const places: number[] = [];
  for (let place = 0; place < WINDOW_BYTES && places.length < bytes; place++) {
    if (differences[place] !== 0) places.push(depth + place);
  }
  if (places.length === 0) return undefined;
  // All places take part in packing, so that the number of shifts is fixed.
  while (places.length < bytes) places.unshift(places[0]!);
  return places;
}

/** Writes the bytes at the places, most significant first, and the position below them, as one 64-bit integer. */
function pack(
  memtable: Memtable,
  entry: number,
  places: readonly number[],
  words: Uint32Array,
  position: number,
): void {
  const { arena } = memtable;
  const offset = memtable.keyOffset(entry);
  const length = memtable.keyLength(entry);
  let high = 0;
  for (let index = 0; index < 4; index++) {
    const place = places[index]!;
    high = (high << 8) | (place < length ? arena[offset + place]! : 0);
  }
  let low = position;
  if (places.length === MANY_BYTES) {
    const fifth = places[4]! < length ? arena[offset + places[4]!]! : 0;
    const sixth = places[5]! < length ? arena[offset + places[5]!]! : 0;
    low |= (fifth << 24) | (sixth << 16);
  }
  words[position * 2] = low;
  words[position * 2 + 1] = high;
}

function compare(memtable: Memtable, left: number, right: number): number {
  const { arena } = memtable;
  return compareBytes(
    arena,
    memtable.keyOffset(left),
    memtable.keyLength(left),
    arena,
    memtable.keyOffset(right),
    memtable.keyLength(right),
  );
}

function insertionSort(memtable: Memtable, order: Uint32Array, from: number, to: number): void {
  for (let index = from + 1; index < to; index++) {
    const entry = order[index]!;
    let at = index;
    while (at > from && compare(memtable, order[at - 1]!, entry) > 0) {
      order[at] = order[at - 1]!;
      at--;
    }
    order[at] = entry;
  }
}
