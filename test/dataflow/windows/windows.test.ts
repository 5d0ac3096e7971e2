import * as fc from "fast-check";
import { expect, test } from "vitest";
import { outputTag } from "../../../dataflow/operators/output-tag.ts";
import type { KeyedOperator } from "../../../dataflow/operators/keyed-operator.ts";
import { openHarness } from "../../../dataflow/testing/operator-harness.ts";
import {
  assignWindows,
  globalWindows,
  sessionWindows,
  slidingWindows,
  tumblingWindows,
  type WindowAssigner,
} from "../../../dataflow/windows/assigners.ts";
import {
  continuousEventTimeTrigger,
  continuousProcessingTimeTrigger,
  countTrigger,
  eventTimeTrigger,
  neverTrigger,
  purgingTrigger,
} from "../../../dataflow/windows/trigger.ts";
import {
  countWindowProcessOperator,
  windowAggregateProcessOperator,
  windowProcessOperator,
} from "../../../dataflow/windows/window-operators.ts";
import type { Windowing } from "../../../dataflow/windows/window-definition.ts";

interface Event {
  readonly key: string;
  readonly at: number;
  readonly value: number;
}
interface Shown {
  readonly key: string | number;
  readonly start: number;
  readonly end: number;
  readonly sum: number;
}

const late = outputTag<Event>("late");
const sum = {
  createAccumulator: () => 0,
  add: (total: number, event: Event) => total + event.value,
  getResult: (total: number) => total,
  merge: (a: number, b: number) => a + b,
};

function summing(windowing: Windowing<Event>): KeyedOperator<[Event], string, Shown> {
  return windowAggregateProcessOperator<Event, number, number, Shown, string>(
    "sums",
    { lateOutput: late, ...windowing },
    sum,
    (total, { key, window }) => [{ key, start: window.start, end: window.end, sum: total }],
  );
}

function listing(windowing: Windowing<Event>): KeyedOperator<[Event], string, Shown> {
  return windowProcessOperator<Event, Shown, string>(
    "lists",
    { lateOutput: late, ...windowing },
    (events, { key, window }) => [
      {
        key,
        start: window.start,
        end: window.end,
        sum: events.reduce((total, { value }) => total + value, 0),
      },
    ],
  );
}

/** What a batch job would answer: every window of every record, closed, without knowing time. */
function batch(assigner: WindowAssigner<Event>, events: readonly Event[]): Shown[] {
  const shown = new Map<string, Shown>();
  if (assigner.kind === "session") return batchSessions(assigner.gapMs, events);
  for (const event of events) {
    for (const { start, end } of assignWindows(assigner, event, event.at)) {
      const id = `${event.key} ${start}`;
      const total = (shown.get(id)?.sum ?? 0) + event.value;
      shown.set(id, { key: event.key, start, end, sum: total });
    }
  }
  return sorted([...shown.values()]);
}

function batchSessions(gapMs: (event: Event) => number, events: readonly Event[]): Shown[] {
  const shown: Shown[] = [];
  for (const event of events.toSorted((a, b) => a.at - b.at)) {
    const end = event.at + gapMs(event);
    const index = shown.findIndex((each) => each.key === event.key && each.end >= event.at);
    const found = shown[index];
    if (found === undefined) shown.push({ key: event.key, start: event.at, end, sum: event.value });
    else shown[index] = { ...found, end: Math.max(found.end, end), sum: found.sum + event.value };
  }
  return sorted(shown);
}

function sorted(shown: readonly Shown[]): Shown[] {
  return shown.toSorted(
    (a, b) => `${a.key}`.localeCompare(`${b.key}`) || a.start - b.start || a.end - b.end,
  );
}

const eventsArbitrary = fc.array(
  fc.record({
    key: fc.constantFrom("a", "b"),
    at: fc.integer({ min: -60, max: 200 }),
    value: fc.integer({ min: 1, max: 9 }),
  }),
  { maxLength: 25 },
);
const assignerArbitrary: fc.Arbitrary<WindowAssigner<Event>> = fc.oneof(
  fc
    .tuple(fc.integer({ min: 2, max: 40 }), fc.integer({ min: -1, max: 1 }))
    .map(([size, offsetMs]) => tumblingWindows(size, { offsetMs })),
  fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }))
    .map(([size, slide]) => slidingWindows(size, slide)),
  fc.integer({ min: 1, max: 30 }).map((gapMs) => sessionWindows<Event>(gapMs)),
  fc.constant(sessionWindows<Event>((event) => event.value * 3)),
);

test.each([
  ["aggregated", summing],
  ["listed", listing],
])(
  "%s windows in any order, restored anywhere, from state not resident, equal a batch job",
  async (_how, operator) => {
    await fc.assert(
      fc.asyncProperty(
        assignerArbitrary,
        eventsArbitrary,
        fc.nat(25),
        fc.boolean(),
        async (assigner, events, cut, notResident) => {
          const options = { keys: [(event: Event) => event.key] as const, notResident };
          let harness = openHarness(operator({ assigner }), options);
          const shown: Shown[] = [];
          for (const [index, event] of events.entries()) {
            if (index === cut) {
              shown.push(...harness.values());
              harness = harness.restarted();
            }
            await harness.process(event, event.at);
          }
          await harness.processWatermark(Infinity);
          shown.push(...harness.values());
          expect(sorted(shown)).toEqual(batch(assigner, events));
          expect(harness.stateEntries).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  },
);

test("panes show what windows one by one show, with lateness, at every watermark", async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({
        key: fc.constantFrom("a", "b"),
        at: fc.integer({ min: 0, max: 100 }),
        value: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record({ watermark: fc.integer({ min: 0, max: 110 }) }),
    ),
    { maxLength: 40 },
  );
  const sizes = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 30 }));
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.constantFrom(0, 7, 50),
      steps,
      async ([size, slide], allowedLatenessMs, given) => {
        const assigner = slidingWindows(size, slide);
        const options = { keys: [(event: Event) => event.key] as const };
        const panes = openHarness(summing({ assigner, allowedLatenessMs }), options);
        const single = openHarness(
          summing({ assigner, allowedLatenessMs, trigger: eventTimeTrigger }),
          options,
        );
        for (const step of given) {
          for (const harness of [panes, single]) {
            if ("watermark" in step) await harness.processWatermark(step.watermark);
            else await harness.process(step, step.at);
          }
          expect(panes.values()).toEqual(single.values());
        }
        for (const harness of [panes, single]) {
          await harness.processWatermark(Infinity);
          expect(harness.stateEntries).toBe(0);
        }
        expect(panes.values()).toEqual(single.values());
        expect(panes.sideOutput(late)).toEqual(single.sideOutput(late));
      },
    ),
    { numRuns: 80 },
  );
});

const one = (at: number, value = 1): Event => ({ key: "k", at, value });
const keys = [(event: Event) => event.key] as const;

test("a record within the allowed lateness shows the window anew, a later one goes to the late output", async () => {
  const harness = openHarness(summing({ assigner: tumblingWindows(10), allowedLatenessMs: 5 }), {
    keys,
  });
  await harness.process(one(3), 3);
  await harness.processWatermark(9);
  await harness.process(one(4), 4);
  await harness.processWatermark(13);
  await harness.process(one(5), 5);
  await harness.processWatermark(14);
  await harness.process(one(6), 6);
  expect(harness.values().map((shown) => shown.sum)).toEqual([1, 2, 3]);
  expect(harness.sideOutput(late)).toEqual([one(6)]);
  expect(harness.stateEntries).toBe(0);
});

test("results carry the window's last moment as their timestamp", async () => {
  const harness = openHarness(summing({ assigner: slidingWindows(10, 5) }), { keys });
  await harness.process(one(7), 7);
  await harness.processWatermark(Infinity);
  expect(harness.records().map(({ timestamp }) => timestamp)).toEqual([9, 14]);
});

test("a late record that joins two sessions shows the session they became", async () => {
  const harness = openHarness(
    summing({ assigner: sessionWindows<Event>(10), allowedLatenessMs: 100 }),
    { keys },
  );
  await harness.process(one(0, 1), 0);
  await harness.process(one(15, 2), 15);
  await harness.processWatermark(40);
  await harness.process(one(8, 4), 8);
  expect(harness.values()).toEqual([
    { key: "k", start: 0, end: 10, sum: 1 },
    { key: "k", start: 15, end: 25, sum: 2 },
    { key: "k", start: 0, end: 25, sum: 7 },
  ]);
  await harness.processWatermark(Infinity);
  expect(harness.values()).toHaveLength(3);
  expect(harness.stateEntries).toBe(0);
});

test("processing-time windows go by arrival and fire by the clock", async () => {
  for (const assigner of [
    tumblingWindows(10, { time: "processing" }),
    slidingWindows(10, 10, { time: "processing" }),
  ]) {
    const harness = openHarness(summing({ assigner }), { keys, clock: 3 });
    await harness.process(one(0));
    await harness.setClock(9);
    await harness.process(one(0));
    expect(harness.values()).toEqual([]);
    await harness.setClock(10);
    expect(harness.values()).toEqual([{ key: "k", start: 0, end: 10, sum: 2 }]);
    await harness.process(one(0));
    await harness.setClock(1000);
    expect(harness.values()[1]).toEqual({ key: "k", start: 10, end: 20, sum: 1 });
    expect(harness.stateEntries).toBe(0);
  }
});

test("a count trigger fires at every nth record of a window, purging drops what was shown", async () => {
  const assigner = tumblingWindows(100);
  const keeping = openHarness(summing({ assigner, trigger: countTrigger(2) }), { keys });
  const purging = openHarness(summing({ assigner, trigger: purgingTrigger(countTrigger(2)) }), {
    keys,
  });
  for (const harness of [keeping, purging]) {
    for (let at = 0; at < 5; at++) await harness.process(one(at), at);
    await harness.processWatermark(Infinity);
    expect(harness.stateEntries).toBe(0);
  }
  expect(keeping.values().map((shown) => shown.sum)).toEqual([2, 4]);
  expect(purging.values().map((shown) => shown.sum)).toEqual([2, 2]);
});

test("a continuous trigger shows a window while it fills and at its end", async () => {
  const operator = summing({
    assigner: tumblingWindows(30),
    trigger: continuousEventTimeTrigger(10),
  });
  const harness = openHarness(operator, { keys });
  await harness.process(one(3), 3);
  await harness.processWatermark(11);
  await harness.process(one(12), 12);
  await harness.processWatermark(100);
  expect(harness.values().map((shown) => shown.sum)).toEqual([1, 2, 2]);
  expect(harness.stateEntries).toBe(0);
});

test("a continuous trigger of the clock shows a window each time the clock comes by, not at its end", async () => {
  const trigger = continuousProcessingTimeTrigger(10);
  const operator = summing({ assigner: tumblingWindows(30), trigger });
  const harness = openHarness(operator, { keys, clock: 3, notResident: true });
  await harness.process(one(3), 3);
  await harness.setClock(10);
  expect(harness.values()).toEqual([]);
  await harness.setClock(11);
  await harness.process(one(12), 12);
  const restored = harness.restarted();
  await restored.setClock(31);
  await restored.processWatermark(100);
  const sums = [...harness.values(), ...restored.values()].map((shown) => shown.sum);
  expect(sums).toEqual([1, 2, 2]);
  expect(restored.stateEntries).toBe(0);
  await restored.setClock(1_000);
  expect(restored.values()).toHaveLength(2);
});

test("a global window shows nothing of its own, and neither does a window that never fires", async () => {
  const global = openHarness(summing({ assigner: globalWindows() }), { keys });
  const counted = openHarness(
    summing({ assigner: globalWindows(), trigger: purgingTrigger(countTrigger(2)) }),
    { keys },
  );
  const never = openHarness(summing({ assigner: tumblingWindows(10), trigger: neverTrigger }), {
    keys,
  });
  for (const harness of [global, counted, never]) {
    for (let at = 0; at < 5; at++) await harness.process(one(at), at);
    await harness.setClock(1_000_000);
    await harness.processWatermark(1_000_000);
  }
  expect(global.values()).toEqual([]);
  expect(global.stateEntries).toBe(1);
  expect(counted.values().map((shown) => shown.sum)).toEqual([2, 2]);
  expect(never.values()).toEqual([]);
  expect(never.stateEntries).toBe(0);
});

test("a record of overlapping windows is stored once, in a pane that all of them share", async () => {
  for (const build of [summing, listing]) {
    const harness = openHarness(build({ assigner: slidingWindows(600, 10) }), { keys });
    await harness.process(one(1_005), 1_005);
    // The pane, the timer of the earliest of its 60 windows, and the timer that removes the pane.
    expect(harness.stateEntries).toBe(3);
    await harness.process(one(1_006), 1_006);
    expect(harness.stateEntries).toBe(3);
    await harness.processWatermark(1_300);
    expect(harness.stateEntries).toBe(3);
    await harness.processWatermark(Infinity);
    expect(harness.values()).toHaveLength(60);
    expect(new Set(harness.values().map((shown) => shown.sum))).toEqual(new Set([2]));
    expect(harness.stateEntries).toBe(0);
  }
});

test("count windows show the last records, tumbling or sliding", async () => {
  const show = (events: readonly Event[]): number[][] => [events.map(({ value }) => value)];
  const tumbling = openHarness(countWindowProcessOperator("last", { size: 3 }, show), { keys });
  const sliding = openHarness(countWindowProcessOperator("last", { size: 3, slide: 2 }, show), {
    keys,
  });
  for (let value = 1; value <= 7; value++) {
    await tumbling.process(one(0, value), 0);
    await sliding.process(one(0, value), 0);
  }
  expect(tumbling.values()).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  expect(sliding.values()).toEqual([
    [1, 2],
    [2, 3, 4],
    [4, 5, 6],
  ]);
});

test("a record without timestamp in an event-time window is refused", async () => {
  const harness = openHarness(summing({ assigner: tumblingWindows(10) }), { keys });
  await expect(harness.process(one(1))).rejects.toThrow("Assign timestamps");
});
