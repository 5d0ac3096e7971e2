/** Merging the partitions' answers to order=value-desc: nothing skipped, nothing twice, whatever the page sizes. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergeByValue } from "../../workers/state/merge-by-value.ts";
import type { RankedEntry } from "../../workers/state/merge-by-value.ts";

type Rank = Pick<RankedEntry, "value" | "key">;

function ranked(value: number, key: number): RankedEntry {
  return {
    entry: { key: String(key), value: String(value) },
    value: BigInt(value),
    key: Uint8Array.of(key),
    bytes: 10,
  };
}

function compare(left: Rank, right: Rank): number {
  if (left.value !== right.value) return left.value > right.value ? -1 : 1;
  return left.key[0]! - right.key[0]!;
}

/** What a partition answers: its entries after a place in the order, at most `limit`. */
function pageAfter(entries: readonly RankedEntry[], after: Rank | undefined, limit: number) {
  const rest = entries.filter((entry) => after === undefined || compare(entry, after) > 0);
  return { entries: rest.slice(0, limit), hasNext: rest.length > limit };
}

const partitions = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 60 })), {
    selector: ([, key]) => key,
    maxLength: 40,
  })
  .chain((pairs) =>
    fc.integer({ min: 1, max: 5 }).map((count) =>
      Array.from({ length: count }, (_, index) =>
        pairs
          .filter(([, key]) => key % count === index)
          .map(([value, key]) => ranked(value, key))
          .toSorted(compare),
      ),
    ),
  );

describe("merging by value", () => {
  test("gives every entry once and in order over all pages", () => {
    fc.assert(
      fc.property(
        partitions,
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 7 }),
        (all, limit, partitionLimit) => {
          const given: RankedEntry[] = [];
          let after: Rank | undefined;
          for (;;) {
            const pages = all.map((entries) => pageAfter(entries, after, partitionLimit));
            const { taken, hasMore } = mergeByValue(pages, { limit, limitBytes: 45 });
            expect(taken.length).toBeLessThanOrEqual(limit);
            given.push(...taken);
            if (!hasMore) break;
            after = taken.at(-1);
            expect(after).toBeDefined();
          }
          expect(given).toEqual(all.flat().toSorted(compare));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("stops where a partition holds entries back", () => {
    const pages = [
      { entries: [ranked(9, 1)], hasNext: true },
      { entries: [ranked(8, 2), ranked(7, 3)], hasNext: false },
    ];
    const { taken, hasMore } = mergeByValue(pages, { limit: 10, limitBytes: 1_000 });
    expect(taken.map(({ value }) => value)).toEqual([9n]);
    expect(hasMore).toBe(true);
  });
});
