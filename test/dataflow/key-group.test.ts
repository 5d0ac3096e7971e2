import * as fc from "fast-check";
import { expect, test } from "vitest";
import { keyGroupRangeOf, partitionOfKeyGroup } from "../../dataflow/key-group.ts";
import { hash32 } from "../../state-engine/bytes/hash.ts";

test("every key group has the owner whose range holds it, and ranges differ by at most one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 512 }), fc.nat(), (maxParallelism, seed) => {
      const parallelism = 1 + (seed % maxParallelism);
      const sizes = new Set<number>();
      let next = 0;
      for (let index = 0; index < parallelism; index++) {
        const { first, last } = keyGroupRangeOf(index, parallelism, maxParallelism);
        expect(first).toBe(next);
        for (let keyGroup = first; keyGroup <= last; keyGroup++) {
          expect(partitionOfKeyGroup(keyGroup, parallelism, maxParallelism)).toBe(index);
        }
        sizes.add(last - first + 1);
        next = last + 1;
      }
      expect(next).toBe(maxParallelism);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

test("ranges are those of Flink for 128 key groups over 3 partitions", () => {
  expect([0, 1, 2].map((index) => keyGroupRangeOf(index, 3, 128))).toEqual([
    { first: 0, last: 42 },
    { first: 43, last: 85 },
    { first: 86, last: 127 },
  ]);
});

test("a partition that does not exist is refused", () => {
  expect(() => keyGroupRangeOf(3, 3, 128)).toThrow("Partition 3 of 3");
});

test("the hash of known bytes never changes: state is placed by it", () => {
  const bytes = new TextEncoder().encode("weir");
  expect(hash32(bytes, 0, 4)).toBe(1866370673);
  expect(hash32(bytes, 0, 0)).toBe(2872998923);
});
