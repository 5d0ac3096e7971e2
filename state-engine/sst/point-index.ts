/**
 * A hash index over the entries of a block that is read again and again: one probe finds the entry or
 * says that there is none, where a search would touch ten keys. In memory only, and all of it in one
 * array: a hash, its entry and its key stand side by side, so that a read that finds nothing of the block
 * in the processor's caches waits for memory twice, here and at the entry. Nothing is allocated by a search.
 */
import { readU32 } from "../bytes/byte-reader.ts";
import { hash32 } from "../bytes/hash.ts";
import { STATE_KEY_HEADER_BYTES } from "../state/state-key.ts";
import { BlockReader, misplacedKey } from "./block.ts";
import type { Block } from "./block.ts";

// The words of a row: hash, place, key. The place is where the entry stands plus one, above the length of
// the key; 0 is a free row. A key that does not fit the row stands behind all rows, and the row says where.
const PLACE = 1;
const KEY = 2;
const LENGTH_BITS = 12;
const LONGEST_KEY = 2 ** LENGTH_BITS - 1;
const LARGEST_BLOCK = 2 ** (32 - LENGTH_BITS) - 1;
/** Sixteen bits of a hash choose among rows, of which at most two thirds are taken. */
const MOST_ENTRIES = 40_000;

/** Indexes the block; false when its entries are too many or too large, so that it is to be searched. */
export function buildPointIndex(block: Block): boolean {
  const lengths = measureKeys(block);
  if (lengths === undefined) return false;
  const { count, longest, bytes, behindRows } = lengths;
  const rows = Math.ceil(count * 1.5);
  const stride = KEY + wordsOf(Math.min(longest, roomFor(bytes / count)));
  const index = new Uint32Array(rows * stride + behindRows);
  const reader = new BlockReader();
  const key = new Uint8Array(wordsOf(longest) * 4);
  let length = 0;
  let behind = rows * stride;
  for (let at = 0; at < block.end; at = reader.next) {
    reader.read(block, at);
    const { shared, unshared, keyOffset } = reader;
    if (shared > length || shared + unshared < STATE_KEY_HEADER_BYTES) {
      throw misplacedKey(block, at, reader, length, STATE_KEY_HEADER_BYTES);
    }
    for (let byte = 0; byte < unshared; byte++) {
      key[shared + byte] = block.bytes[keyOffset + byte]!;
    }
    length = shared + unshared;
    key.fill(0, length);
    const hash = hash32(key, STATE_KEY_HEADER_BYTES, length - STATE_KEY_HEADER_BYTES);
    let row = firstRow(hash, rows) * stride;
    while (index[row + PLACE] !== 0) row = row + stride < rows * stride ? row + stride : 0;
    index[row] = hash;
    index[row + PLACE] = ((at + 1) << LENGTH_BITS) | length;
    const words = wordsOf(length);
    let to = row + KEY;
    if (words > stride - KEY) {
      index[to] = behind;
      to = behind;
      behind += words;
    }
    for (let word = 0; word < words; word++) index[to + word] = readU32(key, word * 4);
  }
  block.index = index;
  block.indexRows = rows;
  block.indexStride = stride;
  return true;
}

/** Where the key's entry stands in a block with this index; -1 when there is none. */
export function findInPointIndex(
  block: Block,
  index: Uint32Array,
  key: Uint8Array,
  keyOffset: number,
  keyLength: number,
  hash: number,
): number {
  const { indexRows, indexStride } = block;
  const end = indexRows * indexStride;
  let row = firstRow(hash, indexRows) * indexStride;
  for (;;) {
    const place = index[row + PLACE]!;
    if (place === 0) return -1;
    if (index[row] === hash && (place & LONGEST_KEY) === keyLength) {
      const isBehind = wordsOf(keyLength) > indexStride - KEY;
      const from = isBehind ? index[row + KEY]! : row + KEY;
      if (isKeyAt(index, from, key, keyOffset, keyLength)) return (place >>> LENGTH_BITS) - 1;
    }
    row += indexStride;
    if (row === end) row = 0;
  }
}

function isKeyAt(
  index: Uint32Array,
  from: number,
  key: Uint8Array,
  offset: number,
  length: number,
): boolean {
  const wholeWords = length >> 2;
  for (let word = 0; word < wholeWords; word++) {
    const at = offset + word * 4;
    const found = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
    if ((index[from + word]! | 0) !== found) return false;
  }
  for (let byte = wholeWords * 4; byte < length; byte++) {
    const found = (index[from + wholeWords]! >>> ((byte & 3) * 8)) & 0xff;
    if (found !== key[offset + byte]) return false;
  }
  return true;
}

interface KeyLengths {
  readonly count: number;
  readonly longest: number;
  readonly bytes: number;
  /** Words of the keys that do not fit a row. */
  readonly behindRows: number;
}

function measureKeys(block: Block): KeyLengths | undefined {
  if (block.end > LARGEST_BLOCK) return undefined;
  const reader = new BlockReader();
  const lengths: number[] = [];
  let longest = 0;
  let bytes = 0;
  for (let at = 0; at < block.end; at = reader.next) {
    reader.read(block, at);
    const length = reader.shared + reader.unshared;
    if (length > longest) longest = length;
    bytes += length;
    lengths.push(length);
  }
  const count = lengths.length;
  if (count > MOST_ENTRIES || longest > LONGEST_KEY) return undefined;
  const room = wordsOf(Math.min(longest, roomFor(bytes / count)));
  const behindRows = lengths.reduce(
    (sum, length) => sum + (wordsOf(length) > room ? wordsOf(length) : 0),
    0,
  );
  return { count, longest, bytes, behindRows };
}

/** Bytes of a key that a row has room for where they are of this length on average. */
function roomFor(averageLength: number): number {
  return Math.ceil(averageLength * 1.5);
}

function wordsOf(bytes: number): number {
  return (bytes + 3) >> 2;
}

function firstRow(hash: number, rows: number): number {
  return Math.imul(hash >>> 16, rows) >>> 16;
}
