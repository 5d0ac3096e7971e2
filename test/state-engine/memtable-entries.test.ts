/** A memtable's entries by key, while its columns and its index grow and hashes collide. */
import { expect, test } from "vitest";
import { KIND_DELETE, KIND_PUT } from "../../state-engine/memtable/entry-kind.ts";
import { Memtable } from "../../state-engine/memtable/memtable.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const ENTRIES = 5000;
const ALIKE = 8;

/** Eight keys of different lengths share each hash. */
function hashOf(index: number): number {
  return Math.imul(Math.floor(index / ALIKE) + 1, 0x85ebca6b) >>> 0;
}

function keyOf(index: number): Uint8Array {
  const key = new Uint8Array(8 + (index % 3));
  new DataView(key.buffer).setUint32(4, index);
  return key;
}

test("a memtable finds every key among others of the same hash, at every size", () => {
  const memtable = new Memtable(0, new Map());
  const random = new SeededRandom(1);
  const find = (index: number): number => {
    const key = keyOf(index);
    return memtable.find(key, 0, key.length, hashOf(index));
  };
  for (let index = 0; index < ENTRIES; index++) {
    const key = keyOf(index);
    expect(find(index)).toBe(-1);
    memtable.put(key, 0, key.length, hashOf(index), key, 0, key.length, Infinity);
    const earlier = random.integer(index + 1);
    expect(find(earlier)).toBe(earlier);
  }
  for (let index = 0; index < ENTRIES; index++) {
    expect(find(index)).toBe(index);
    expect(memtable.value(index)).toEqual(keyOf(index));
    expect(memtable.hash(index)).toBe(hashOf(index));
  }
});

test("what is written to a memtable's entry leaves its key and the length of it as they were", () => {
  const memtable = new Memtable(0, new Map());
  const key = keyOf(2);
  const write = {
    put: () => memtable.put(key, 0, key.length, 7, key, 0, 3, Infinity),
    delete: () => memtable.delete(key, 0, key.length, 7),
    add: () => memtable.mergeInt64(key, 0, key.length, 7, 1),
  };
  const seen = [write.add, write.put, write.delete, write.add, write.add, write.delete].map(
    (writes) => {
      writes();
      const entry = memtable.find(key, 0, key.length, 7);
      expect(entry).toBe(0);
      expect(memtable.keyLength(entry)).toBe(key.length);
      return memtable.kind(entry);
    },
  );
  expect(seen.slice(1)).toEqual([KIND_PUT, KIND_DELETE, KIND_PUT, KIND_PUT, KIND_DELETE]);
});
