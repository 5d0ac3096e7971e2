/**
 * The last keys of a table's blocks, shortened, for finding the block of a key. The first ten bytes of
 * each as two numbers, all in one array: most comparisons end there. Nothing is allocated by a search.
 */
import { compareBytes, keyPrefix } from "../bytes/compare.ts";
import { keyHead } from "./decoded-block.ts";
import type { DecodedBlock } from "./decoded-block.ts";

const HEAD_BYTES = 4;

export class Separators {
  readonly #count: number;
  readonly #numbers: Float64Array;
  readonly #keys: Uint8Array;
  /** Where each key begins, and where the last ends. */
  readonly #offsets: Uint32Array;

  /** Copies what it needs. */
  constructor(index: DecodedBlock) {
    const { count, keyOffsets, keyLengths, keys } = index;
    const end = count === 0 ? 0 : keyOffsets[count - 1]! + keyLengths[count - 1]!;
    this.#count = count;
    this.#keys = keys.slice(0, end);
    this.#offsets = keyOffsets.slice(0, count + 1);
    this.#offsets[count] = end;
    this.#numbers = new Float64Array(count * 2);
    for (let separator = 0; separator < count; separator++) {
      const offset = keyOffsets[separator]!;
      const length = keyLengths[separator]!;
      this.#numbers[separator * 2] = headOf(keys, offset, length);
      this.#numbers[separator * 2 + 1] = prefixOf(keys, offset, length);
    }
  }

  /** The first separator that is this key or a later one; the number of separators when there is none. */
  firstFrom(key: Uint8Array, offset: number, length: number): number {
    const numbers = this.#numbers;
    const head = headOf(key, offset, length);
    const prefix = prefixOf(key, offset, length);
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      let order = numbers[middle * 2]! - head;
      if (order === 0) order = numbers[middle * 2 + 1]! - prefix;
      if (order === 0) order = this.#compare(middle, key, offset, length);
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compare(separator: number, key: Uint8Array, offset: number, length: number): number {
    const from = this.#offsets[separator]!;
    const to = this.#offsets[separator + 1]!;
    return compareBytes(this.#keys, from, to - from, key, offset, length);
  }
}

/** Bounds of key groups and separators may be shorter than four bytes: missing ones count as 00. */
function headOf(bytes: Uint8Array, offset: number, length: number): number {
  if (length >= HEAD_BYTES) return keyHead(bytes, offset);
  let head = 0;
  for (let index = 0; index < HEAD_BYTES; index++) {
    head = head * 256 + (index < length ? bytes[offset + index]! : 0);
  }
  return head;
}

function prefixOf(bytes: Uint8Array, offset: number, length: number): number {
  return length <= HEAD_BYTES ? 0 : keyPrefix(bytes, offset + HEAD_BYTES, length - HEAD_BYTES);
}
