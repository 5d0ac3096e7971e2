/**
 * The order in which generated events arrive: out of order within the promised bound, and never lost or repeated.
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NexmarkEvent } from "../../bench/nexmark/generator/event.ts";
import { generateEvents } from "../../bench/nexmark/generator/generate-events.ts";
import {
  outOfOrdernessBoundMs,
  resolveGeneratorOptions,
} from "../../bench/nexmark/generator/generator-options.ts";
import {
  PUBLISHED_WATERMARK_DELAY_MS,
  verificationWorkload,
} from "../../bench/nexmark/verification-workload.ts";

describe("arrival order", () => {
  it("follows event time when nothing is shuffled or held back", () => {
    const stream = generateEvents({ eventCount: 5000, delayedEventProbability: 0 });
    expect(largestLagMs(stream)).toBe(0);
  });

  it("is late by whole seconds for some events by default, and by less than the 3 s allowed", () => {
    const lagMs = largestLagMs(generateEvents({ eventCount: 100_000 }));
    expect(lagMs).toBeGreaterThan(2500);
    expect(lagMs).toBeLessThanOrEqual(3000);
  });

  it("changes places within groups only when events are shuffled but not held back", () => {
    const options = { eventCount: 5000, delayedEventProbability: 0, outOfOrderGroupSize: 100 };
    const lagMs = largestLagMs(generateEvents(options));
    expect(lagMs).toBeGreaterThan(5);
    expect(lagMs).toBeLessThan(10);
  });

  it("stays within its bound and keeps every event, whatever the options", () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer(),
          eventCount: fc.integer({ min: 0, max: 1500 }),
          eventsPerSecond: fc.constantFrom(3, 100, 999, 10_000),
          outOfOrderGroupSize: fc.integer({ min: 1, max: 400 }),
          delayedEventProbability: fc.constantFrom(0, 0.1, 1),
          occasionalDelayMs: fc.integer({ min: 1, max: 5000 }),
        }),
        (options) => {
          const shuffled = [...generateEvents(options)];
          const inOrder = generateEvents({
            ...options,
            outOfOrderGroupSize: 1,
            delayedEventProbability: 0,
          });
          const bound = outOfOrdernessBoundMs(resolveGeneratorOptions(options));
          expect(largestLagMs(shuffled)).toBeLessThanOrEqual(bound);
          expect(sortedLines(shuffled)).toEqual(sortedLines(inOrder));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("stays within the published watermark delay in the verification workload", () => {
    const options = resolveGeneratorOptions(verificationWorkload);
    expect(outOfOrdernessBoundMs(options)).toBeLessThan(PUBLISHED_WATERMARK_DELAY_MS);
    const lagMs = largestLagMs(generateEvents({ ...options, eventCount: 20_000 }));
    expect(lagMs).toBeGreaterThan(2500);
    expect(lagMs).toBeLessThanOrEqual(outOfOrdernessBoundMs(options));
  });
});

describe("options", () => {
  it("are refused by name when no stream can be made with them", () => {
    for (const [options, message] of [
      [{ eventsPerSecond: 0 }, /eventsPerSecond=0/],
      [{ outOfOrderGroupSize: 0 }, /outOfOrderGroupSize=0/],
      [{ outOfOrderGroupSize: 1906 }, /outOfOrderGroupSize=1906/],
      [{ hotAuctionRatio: 0 }, /hotAuctionRatio=0/],
      [{ eventCount: Number.NaN }, /eventCount=NaN/],
    ] as const) {
      expect(() => resolveGeneratorOptions(options)).toThrow(message);
    }
  });
});

/** How far an event lay behind the latest event time before it, at most. */
function largestLagMs(events: Iterable<NexmarkEvent>): number {
  let latestMs = Number.NEGATIVE_INFINITY;
  let largestMs = 0;
  for (const { dateTime } of events) {
    latestMs = Math.max(latestMs, dateTime);
    largestMs = Math.max(largestMs, latestMs - dateTime);
  }
  return largestMs;
}

function sortedLines(events: Iterable<NexmarkEvent>): string[] {
  return Array.from(events, (event) => JSON.stringify(event)).sort();
}
