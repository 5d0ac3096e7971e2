import * as fc from "fast-check";
import { expect, test } from "vitest";
import { intervalJoinOperator } from "../../../dataflow/operators/interval-join-operator.ts";
import { outputTag } from "../../../dataflow/operators/output-tag.ts";
import { streamJoinOperator } from "../../../dataflow/operators/stream-join-operator.ts";
import { windowJoinOperator } from "../../../dataflow/operators/window-join-operator.ts";
import { openHarness } from "../../../dataflow/testing/operator-harness.ts";
import {
  assignWindows,
  slidingWindows,
  tumblingWindows,
} from "../../../dataflow/windows/assigners.ts";

interface Side {
  readonly key: string;
  readonly at: number;
  readonly id: number;
}
const keys = [(left: Side) => left.key, (right: Side) => right.key] as const;
const pairOf = (left: Side, right: Side): string => `${left.id}-${right.id}`;
const inputs = fc
  .array(
    fc.record({
      input: fc.constantFrom(0, 1),
      key: fc.constantFrom("a", "b"),
      at: fc.integer({ min: 0, max: 60 }),
    }),
    { maxLength: 20 },
  )
  .map((all) => all.map((each, id) => ({ ...each, id })));

test("an interval join equals comparing all pairs, bounds included, and keeps nothing at the end", async () => {
  const bounds = fc.tuple(fc.integer({ min: -20, max: 20 }), fc.nat(15));
  await fc.assert(
    fc.asyncProperty(
      inputs,
      bounds,
      fc.nat(20),
      fc.boolean(),
      async (all, [lowerMs, width], cut, notResident) => {
        const upperMs = lowerMs + width;
        const operator = intervalJoinOperator<Side, Side, string>(
          "join",
          { lowerMs, upperMs },
          pairOf,
        );
        let harness = openHarness(operator, { keys, notResident });
        const joined: string[] = [];
        for (const [index, { input, ...record }] of all.entries()) {
          if (index === cut) {
            joined.push(...harness.values());
            harness = harness.restarted();
          }
          await harness.processInput(input, record, record.at);
          // In-order watermarks as far as later records allow them.
          await harness.processWatermark(Math.min(...all.slice(index + 1).map(({ at }) => at)) - 1);
        }
        joined.push(...harness.values());
        await harness.processWatermark(Infinity);
        const expected = all.flatMap((left) =>
          all
            .filter((right) => left.input === 0 && right.input === 1 && left.key === right.key)
            .filter(({ at }) => at >= left.at + lowerMs && at <= left.at + upperMs)
            .map((right) => pairOf(left, right)),
        );
        expect(joined.sort()).toEqual(expected.sort());
        expect(harness.stateEntries).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
});

test("an interval join gives pairs the later timestamp and late records their output", async () => {
  const late = outputTag<Side>("late-right");
  const options = { lowerMs: -5, upperMs: 5, lateRight: late };
  const harness = openHarness(intervalJoinOperator("join", options, pairOf), { keys });
  await harness.processInput(0, { key: "a", at: 10, id: 1 }, 10);
  await harness.processInput(1, { key: "a", at: 5, id: 2 }, 5);
  await harness.processWatermark(12);
  await harness.processInput(1, { key: "a", at: 11, id: 3 }, 11);
  await harness.processInput(1, { key: "a", at: 15, id: 4 }, 15);
  expect(harness.records()).toEqual([
    { value: "1-2", timestamp: 10 },
    { value: "1-4", timestamp: 15 },
  ]);
  expect(harness.sideOutput(late).map(({ id }) => id)).toEqual([3]);
});

test("a window join equals comparing all pairs of each window", async () => {
  const assigners = fc.constantFrom(tumblingWindows(10), slidingWindows(20, 5));
  await fc.assert(
    fc.asyncProperty(inputs, assigners, fc.boolean(), async (all, assigner, notResident) => {
      const operator = windowJoinOperator<Side, Side, string>("join", { assigner }, pairOf);
      const harness = openHarness(operator, { keys, notResident });
      for (const { input, ...record } of all) await harness.processInput(input, record, record.at);
      await harness.processWatermark(Infinity);
      const startsOf = (side: Side): number[] =>
        assignWindows(assigner, side as never, side.at).map(({ start }) => start);
      const expected = all.flatMap((left) =>
        all
          .filter((right) => left.input === 0 && right.input === 1 && left.key === right.key)
          .flatMap((right) => {
            const starts = new Set(startsOf(right));
            return startsOf(left)
              .filter((start) => starts.has(start))
              .map(() => pairOf(left, right));
          }),
      );
      expect(harness.values().toSorted()).toEqual(expected.sort());
      expect(harness.stateEntries).toBe(0);
    }),
    { numRuns: 40 },
  );
});

test.each(["processing", "event"] as const)(
  "an unbounded join forgets records after their TTL in %s time",
  async (time) => {
    const operator = streamJoinOperator("join", { ttl: { ttlMs: 10, time } }, pairOf);
    const harness = openHarness(operator, { keys, notResident: true, clock: 0 });
    const moveTo = (at: number): Promise<void> =>
      time === "event" ? harness.processWatermark(at) : harness.setClock(at);
    await harness.processInput(0, { key: "a", at: 0, id: 1 }, 0);
    await moveTo(5);
    await harness.processInput(0, { key: "a", at: 5, id: 2 }, 5);
    await harness.processInput(1, { key: "a", at: 5, id: 3 }, 5);
    await moveTo(10);
    await harness.processInput(1, { key: "a", at: 10, id: 4 }, 10);
    await moveTo(15);
    await harness.processInput(1, { key: "a", at: 15, id: 5 }, 15);
    expect(harness.values()).toEqual(["1-3", "2-3", "2-4"]);
  },
);
