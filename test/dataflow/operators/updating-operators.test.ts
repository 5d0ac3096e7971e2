import * as fc from "fast-check";
import { expect, expectTypeOf, test } from "vitest";
import { deduplicateOperator } from "../../../dataflow/operators/deduplicate-operator.ts";
import { topNOperator } from "../../../dataflow/operators/top-n-operator.ts";
import {
  aggregateOperator,
  countOperator,
  maxByOperator,
  maxOperator,
  minByOperator,
  minOperator,
  reduceOperator,
  sumOperator,
} from "../../../dataflow/operators/updating-operators.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import { windowAggregateOperator } from "../../../dataflow/windows/window-operators.ts";
import { openHarness } from "../../../dataflow/testing/operator-harness.ts";

interface Sale {
  readonly shop: string;
  readonly amount: number;
}
const keys = [(sale: Sale) => sale.shop] as const;
const sales = fc.array(
  fc.record({ shop: fc.constantFrom("a", "b", "c"), amount: fc.integer({ min: -5, max: 5 }) }),
  { maxLength: 20 },
);
const amount = (sale: Sale): number => sale.amount;
/** By what is left of the amount after division by three, then the amount: an order of two fields. */
const byRemainder = (left: Sale, right: Sale): number =>
  (left.amount % 3) - (right.amount % 3) || left.amount - right.amount;

/** Each operator with the same over an array of one key's records. */
const pairs = [
  [countOperator<Sale>("n"), (all: readonly Sale[]) => all.length],
  [
    sumOperator("n", amount),
    (all: readonly Sale[]) => all.reduce((sum, each) => sum + each.amount, 0),
  ],
  [minOperator("n", amount), (all: readonly Sale[]) => Math.min(...all.map(amount))],
  [maxOperator("n", amount), (all: readonly Sale[]) => Math.max(...all.map(amount))],
  [
    minByOperator("n", amount),
    (all: readonly Sale[]) => all.toSorted((a, b) => a.amount - b.amount)[0],
  ],
  [
    maxByOperator("n", amount),
    (all: readonly Sale[]) => all.toSorted((a, b) => b.amount - a.amount)[0],
  ],
  [
    reduceOperator("n", (a: Sale, b: Sale) => ({ ...b, amount: a.amount * 2 + b.amount })),
    (all: readonly Sale[]) => all.reduce((a, b) => ({ ...b, amount: a.amount * 2 + b.amount })),
  ],
  [
    aggregateOperator("n", {
      createAccumulator: () => new Set<number>(),
      add: (seen, sale: Sale) => seen.add(sale.amount),
      getResult: (seen) => seen.size,
    }),
    (all: readonly Sale[]) => new Set(all.map(amount)).size,
  ],
  [
    topNOperator<Sale>("n", { n: 2, rankBy: amount }),
    (all: readonly Sale[]) => all.toSorted((a, b) => b.amount - a.amount).slice(0, 2),
  ],
  [
    topNOperator<Sale>("n", { n: 3, compare: byRemainder }),
    (all: readonly Sale[]) => all.toSorted(byRemainder).slice(0, 3),
  ],
] as const;

test.each(pairs.map(([operator, batch]) => ({ kind: operator.kind, operator, batch })))(
  "$kind equals the same over an array, restored anywhere, from state not resident; old is always the value before",
  async ({ operator, batch }) => {
    await fc.assert(
      fc.asyncProperty(sales, fc.nat(20), fc.boolean(), async (records, cut, notResident) => {
        let harness = openHarness<[Sale], string | number, unknown>(operator, {
          keys,
          notResident,
        });
        const updates: { key: string; old: unknown; value: unknown }[] = [];
        for (const [index, record] of records.entries()) {
          if (index === cut) harness = harness.restarted();
          const emitted = harness.values().length;
          await harness.process(record);
          updates.push(...(harness.values().slice(emitted) as typeof updates));
        }
        const newest = new Map<string, unknown>();
        for (const { key, old, value } of updates) {
          expect(old).toEqual(newest.get(key));
          newest.set(key, value);
        }
        const shops = Map.groupBy(records, (sale) => sale.shop);
        expect(newest).toEqual(new Map([...shops].map(([shop, all]) => [shop, batch(all)])));
      }),
      { numRuns: 30 },
    );
  },
);

test("the types of updates are inferred", () => {
  const harness = openHarness(maxByOperator<Sale>("best", amount), { keys });
  expectTypeOf(harness.values()).items.toHaveProperty("value").toEqualTypeOf<Sale>();
  expectTypeOf(openHarness(countOperator<Sale>("n"), { keys }).newest().get("a")).toEqualTypeOf<
    number | undefined
  >();
  // @ts-expect-error a sale has no price
  minByOperator("n", (sale: Sale) => sale.price);
});

test("an accumulator changed in place and shown as it is still tells what it was before", async () => {
  const operator = aggregateOperator("amounts", {
    createAccumulator: (): number[] => [],
    add(seen, sale: Sale) {
      seen.push(sale.amount);
      return seen;
    },
    getResult: (seen) => seen,
  });
  const harness = openHarness(operator, { keys });
  await harness.process({ shop: "a", amount: 1 });
  await harness.process({ shop: "a", amount: 2 });
  expect(harness.values()).toEqual([
    { key: "a", old: undefined, value: [1] },
    { key: "a", old: [1], value: [1, 2] },
  ]);
});

test("records that arrive together tell once what was before all of them, however they change accumulators", async () => {
  const operator = aggregateOperator("amounts", {
    createAccumulator: (): number[] => [],
    add(seen, sale: Sale) {
      seen.push(sale.amount);
      return seen;
    },
    getResult: (seen) => seen,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(sales, { maxLength: 4 }),
      fc.boolean(),
      async (batches, isMissing) => {
        const harness = openHarness(operator, { keys, notResident: isMissing });
        const amounts = new Map<string, number[]>();
        const expected = [];
        for (const batch of batches) {
          const before = new Map(amounts);
          await harness.processBatch(batch);
          for (const { shop, amount: sold } of batch) {
            amounts.set(shop, [...(amounts.get(shop) ?? []), sold]);
          }
          for (const key of new Set(batch.map(({ shop }) => shop))) {
            expected.push({ key, old: before.get(key), value: amounts.get(key) });
          }
        }
        expect(harness.values()).toEqual(expected);
      },
    ),
    { numRuns: 50 },
  );
});

test("deduplicate lets the first record of a key pass until its memory expires", async () => {
  const operator = deduplicateOperator<Sale>("seen", { ttl: { ttlMs: 10 } });
  const harness = openHarness(operator, { keys, clock: 100 });
  await harness.process({ shop: "a", amount: 1 });
  await harness.process({ shop: "a", amount: 2 });
  await harness.setClock(109);
  await harness.process({ shop: "a", amount: 3 });
  await harness.setClock(110);
  await harness.process({ shop: "a", amount: 4 });
  expect(harness.values().map(amount)).toEqual([1, 4]);
});

test.each([Infinity, -Infinity])(
  "[DL1] %d is no result of min and max, and ranks in minBy, maxBy and topN",
  async (infinite) => {
    const of = (price: number) => ({ shop: "a", amount: price });
    for (const operator of [minOperator("n", amount), maxOperator("n", amount)]) {
      const harness = openHarness(operator, { keys });
      await harness.process(of(1));
      await expect(harness.process(of(infinite))).rejects.toThrow(
        `The function of ${operator.kind} "n" answered ${infinite}, which JSON has no number for`,
      );
    }
    const ranking = [
      minByOperator("n", amount),
      maxByOperator("n", amount),
      topNOperator<Sale>("n", { n: 2, rankBy: amount }),
    ] as const;
    for (const operator of ranking) {
      const harness = openHarness<[Sale], string | number, unknown>(operator, { keys });
      await harness.process(of(infinite));
      await harness.process(of(1));
      expect([...harness.newest().values()]).toMatchObject(
        operator.kind === "topN"
          ? [[of(infinite), of(1)].toSorted((a, b) => b.amount - a.amount)]
          : [of((operator.kind === "minBy") === infinite < 0 ? infinite : 1)],
      );
    }
  },
);

test("an accumulator may be null", async () => {
  const least = {
    createAccumulator: (): number | null => Infinity,
    add: (kept: number | null, { amount: sold }: Sale) =>
      sold < 0 || kept === null ? null : Math.min(kept, sold),
    getResult: (kept: number | null) => kept,
  };
  const harness = openHarness(aggregateOperator("least", least), { keys });
  const window = openHarness(
    windowAggregateOperator("least", { assigner: tumblingWindows(10) }, least),
    { keys },
  );
  for (const sold of [3, -1, 5]) {
    await harness.process({ shop: "a", amount: sold });
    await window.process({ shop: "a", amount: sold }, 1);
  }
  await window.processWatermark(Infinity);
  expect(harness.newest()).toEqual(new Map([["a", null]]));
  expect(window.values()).toEqual([null]);
});
