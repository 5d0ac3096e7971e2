import * as fc from "fast-check";
import { expect, test } from "vitest";
import { WatermarkProgress, isIdle } from "../../../dataflow/time/watermark-progress.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import { WatermarkValve } from "../../../dataflow/time/watermark-valve.ts";
import { encodeTimestamp, readTimestamp } from "../../../dataflow/time/timestamp.ts";
import { compareKeys } from "../../../state-engine/bytes/compare.ts";

const itself = (timestamp: number): number => timestamp;
const unstarted = { watermark: -Infinity, isIdle: true } as const;
const active = { watermark: -Infinity, isIdle: false } as const;

test("timestamps as bytes sort as they do, from before time to the end of it", () => {
  const point = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(-Infinity, Infinity, 0, -1, 1));
  fc.assert(
    fc.property(point, point, (a, b) => {
      expect(readTimestamp(encodeTimestamp(a), 0)).toBe(a);
      expect(Math.sign(compareKeys(encodeTimestamp(a), encodeTimestamp(b)))).toBe(
        a === b ? 0 : Math.sign(a - b),
      );
    }),
  );
  expect(() => encodeTimestamp(1.5)).toThrow("is not a timestamp");
});

test("a bounded watermark stays one millisecond more than the bound behind the latest record", () => {
  const progress = new WatermarkProgress(watermarks.boundedOutOfOrderness(5, itself));
  expect(progress.watermark).toBe(-Infinity);
  for (const at of [10, 7, 20, 18]) progress.onRecord(at);
  expect(progress.watermark).toBe(14);
  expect(new WatermarkProgress(watermarks.monotonousTimestamps(itself), "20").watermark).toBe(19);
});

test("a generator goes on from a saved position as if it had never stopped", () => {
  const punctuated = watermarks.custom<number, { readonly seen: number; readonly mark: number }>(
    itself,
    {
      initialState: { seen: 0, mark: -1 },
      onRecord: (state, timestamp) => ({
        seen: state.seen + 1,
        mark: state.seen % 2 === 0 ? Math.max(state.mark, timestamp) : state.mark,
      }),
      watermarkOf: (state) => state.mark,
    },
  );
  const strategies = [
    punctuated,
    watermarks.boundedOutOfOrderness(3, itself),
    watermarks.none(itself),
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...strategies),
      fc.array(fc.integer()),
      fc.nat(20),
      (strategy, records, cut) => {
        const whole = new WatermarkProgress(strategy);
        let parts = new WatermarkProgress(strategy);
        for (const [index, record] of records.entries()) {
          if (index === cut) parts = new WatermarkProgress(strategy, parts.save());
          whole.onRecord(record);
          parts.onRecord(record);
          expect(parts.watermark).toBe(whole.watermark);
        }
      },
    ),
  );
});

test("a timestamp that is not a whole number is refused with what to write", () => {
  const progress = new WatermarkProgress(watermarks.monotonousTimestamps(Date.parse));
  expect(() => progress.onRecord("no date")).toThrow("answered NaN");
});

test("the minimum over channels leaves out idle ones and those that never spoke", () => {
  const valve = new WatermarkValve([
    ["a", unstarted],
    ["b", unstarted],
  ]);
  expect(valve.advance("a", 10)).toBe(10);
  expect(valve.advance("b", 4)).toBe(10);
  expect(valve.advance("a", 12)).toBe(12);
  expect(valve.advance("b", 20)).toBe(12);
  expect(valve.markIdle("a")).toBe(20);
  expect(valve.isIdle).toBe(false);
});

test("an active channel without a watermark holds time back", () => {
  const valve = new WatermarkValve([
    ["a", active],
    ["b", active],
  ]);
  expect(valve.advance("a", 10)).toBe(-Infinity);
  expect(valve.advance("b", 3)).toBe(3);
  expect(valve.advance("a", Infinity)).toBe(3);
  expect(valve.advance("b", Infinity)).toBe(Infinity);
});

test("when all are idle time goes to the latest of them", () => {
  const valve = new WatermarkValve([
    ["a", active],
    ["b", active],
  ]);
  valve.advance("a", 10);
  valve.advance("b", 3);
  valve.markIdle("b");
  expect(valve.markIdle("a")).toBe(10);
  expect(valve.isIdle).toBe(true);
});

test("the combined watermark never goes back, and a restored valve goes on the same", () => {
  const step = fc.record({
    channel: fc.constantFrom("a", "b", "c"),
    watermark: fc.option(fc.integer({ min: 0, max: 50 })),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(30), (steps, cut) => {
      const whole = new WatermarkValve([
        ["a", unstarted],
        ["b", unstarted],
        ["c", active],
      ]);
      let parts = new WatermarkValve(whole.save());
      for (const [index, { channel, watermark }] of steps.entries()) {
        if (index === cut) parts = new WatermarkValve(parts.save(), parts.watermark);
        const before = whole.watermark;
        for (const valve of [whole, parts]) {
          if (watermark === null) valve.markIdle(channel);
          else valve.advance(channel, watermark);
        }
        expect(whole.watermark).toBeGreaterThanOrEqual(before);
        expect(parts.watermark).toBe(whole.watermark);
      }
    }),
  );
});

test("a source is idle once it has been silent for the whole time", () => {
  expect(isIdle(100, 159, 60)).toBe(false);
  expect(isIdle(100, 160, 60)).toBe(true);
});
