/** The hash index of a block: it answers as a search does, whatever lengths the keys have. */
import { describe, expect, test } from "vitest";
import { compareKeys } from "../../state-engine/bytes/compare.ts";
import { KIND_PUT } from "../../state-engine/memtable/entry-kind.ts";
import { Block, BlockReader } from "../../state-engine/sst/block.ts";
import { BlockBuilder } from "../../state-engine/sst/block-builder.ts";
import { buildPointIndex, findInPointIndex } from "../../state-engine/sst/point-index.ts";
import { stateKey, stateKeyHash } from "../../state-engine/state/state-key.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const LONGEST_KEY = 4095;

/** Keys of these lengths without their headers, each once, in order. */
function keysOf(lengths: readonly number[]): Uint8Array[] {
  const random = new SeededRandom(lengths.length);
  const bytesOf = (length: number): Uint8Array =>
    // Few different bytes, and zeros as often as others: long shared prefixes, and ends like padding.
    Uint8Array.from({ length }, () => random.integer(3));
  const keys = lengths.map((length) => stateKey(random.integer(4), 1, bytesOf(length)));
  return keys
    .sort(compareKeys)
    .filter((key, index) => index === 0 || compareKeys(keys[index - 1]!, key) !== 0);
}

function blockOf(keys: readonly Uint8Array[]): Block {
  const builder = new BlockBuilder(64, 16);
  for (const key of keys) builder.add(key, 0, key.length, KIND_PUT, key, 0, key.length, Infinity);
  return new Block(builder.finish().slice(), 0, "a block");
}

/** Where the index and where a search finds the key. */
function placesOf(block: Block, key: Uint8Array): readonly [byIndex: number, bySearch: number] {
  // Not at the begin of its array, as the keys of a batch are not.
  const bytes = new Uint8Array(key.length + 8);
  bytes.set(key, 5);
  const hash = stateKeyHash(key, 0, key.length);
  const byIndex = findInPointIndex(block, block.index!, bytes, 5, key.length, hash);
  const reader = new BlockReader();
  if (!reader.find(block, key, 0, key.length)) return [byIndex, -1];
  const { keyOffset, valueOffset } = reader;
  if (byIndex < 0) return [byIndex, valueOffset];
  reader.read(block, byIndex);
  expect(reader.keyOffset).toBe(keyOffset);
  return [reader.valueOffset, valueOffset];
}

describe("The index of a block", () => {
  test.each([
    ["of one length", () => Array.from({ length: 700 }, () => 12)],
    ["of 0 to 11 bytes", () => Array.from({ length: 500 }, (_, index) => index % 12)],
    [
      "that mostly are short, and some of them far longer than a row has room for",
      () => Array.from({ length: 500 }, (_, index) => (index % 9 === 0 ? 70 + (index % 5) : 6)),
    ],
    ["of which there is one", () => [LONGEST_KEY - 4]],
  ])("finds every key %s, and no other", (_, lengths) => {
    const all = keysOf(lengths());
    const block = blockOf(all.filter((_key, index) => index % 3 !== 1));
    expect(buildPointIndex(block)).toBe(true);
    let found = 0;
    for (const key of all) {
      const [byIndex, bySearch] = placesOf(block, key);
      expect(byIndex).toBe(bySearch);
      if (bySearch >= 0) found++;
      for (const other of [
        Uint8Array.of(...key, 0),
        key.subarray(0, Math.max(4, key.length - 1)),
      ]) {
        const places = placesOf(block, other);
        expect(places[0]).toBe(places[1]);
      }
    }
    expect(found).toBe(all.filter((_key, index) => index % 3 !== 1).length);
  });

  test("is not made over a key longer than a row can say", () => {
    const block = blockOf(keysOf([3, LONGEST_KEY - 3]));
    expect([buildPointIndex(block), block.index]).toEqual([false, undefined]);
  });
});
