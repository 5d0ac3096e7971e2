import { expect, expectTypeOf, test } from "vitest";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { outputTag } from "../../../dataflow/operators/output-tag.ts";
import {
  coProcessOperator,
  processOperator,
} from "../../../dataflow/operators/process-operator.ts";
import { listState, mapState, valueState } from "../../../dataflow/state/state-descriptor.ts";
import { openHarness } from "../../../dataflow/testing/operator-harness.ts";

interface Click {
  readonly user: string;
  readonly page: string;
}

const byUser = (click: Click): string => click.user;

test.each([false, true])("state belongs to the key (not resident: %s)", async (notResident) => {
  const operator = processOperator({
    state: {
      pages: listState("pages", codecs.text),
      visits: mapState("visits", "string", codecs.int64),
    },
    process(click: Click, { state, key }) {
      state.pages.add(click.page);
      state.visits.put(click.page, (state.visits.get(click.page) ?? 0) + 1);
      return [{ user: key as string, pages: state.pages.get(), visits: state.visits.entries() }];
    },
  });
  const harness = openHarness(operator, { keys: [byUser], notResident });
  await harness.process({ user: "ada", page: "b" });
  await harness.process({ user: "bob", page: "x" });
  await harness.process({ user: "ada", page: "a" });
  await harness.process({ user: "ada", page: "b" });
  expectTypeOf(harness.values()).toEqualTypeOf<
    readonly { user: string; pages: string[]; visits: [string, number][] }[]
  >();
  expect(harness.values()[3]).toEqual({
    user: "ada",
    pages: ["b", "a", "b"],
    visits: [
      ["a", 1],
      ["b", 2],
    ],
  });
  expect(harness.values()[1]).toEqual({ user: "bob", pages: ["x"], visits: [["x", 1]] });
});

const alarms = processOperator({
  state: { last: valueState("last", codecs.int64) },
  process(at: number, { state, timers }) {
    state.last.update(at);
    timers.registerEventTimeTimer(at + 10);
    timers.registerEventTimeTimer(at + 10);
  },
  onTimer: (timer, context) => [
    `${timer.timestamp}:${context.state.last.get()}@${context.watermark}`,
  ],
});

test.each([false, true])(
  "event-time timers fire once, in order (not resident: %s)",
  async (notResident) => {
    const harness = openHarness(alarms, { keys: [() => "k"], notResident });
    for (const at of [30, 10, 20, 10]) await harness.process(at, at);
    await harness.processWatermark(19);
    expect(harness.values()).toEqual([]);
    await harness.processWatermark(30);
    await harness.processWatermark(30);
    expect(harness.values()).toEqual(["20:10@30", "30:10@30"]);
    expect(harness.records().map(({ timestamp }) => timestamp)).toEqual([20, 30]);
    const restarted = harness.restarted();
    await restarted.processWatermark(Infinity);
    expect(restarted.values()).toEqual(["40:10@Infinity"]);
    expect(restarted.stateEntries).toBe(1);
  },
);

test("more timers than a head holds fire in order, also those registered while firing", async () => {
  const chain = processOperator({
    process(at: number, { timers }) {
      timers.registerEventTimeTimer(at);
    },
    onTimer(timer, { timers }) {
      if (timer.timestamp % 100 === 0) timers.registerEventTimeTimer(timer.timestamp + 1);
      return [timer.timestamp];
    },
  });
  for (const notResident of [false, true]) {
    const harness = openHarness(chain, { keys: [() => "k"], notResident });
    const times = Array.from({ length: 500 }, (_, index) => (index * 7919) % 1000);
    for (const at of times) await harness.process(at * 2);
    await harness.restarted().processWatermark(5);
    await harness.processWatermark(Infinity);
    const expected = new Set(times.map((at) => at * 2));
    for (let at = 0; at < 2000; at += 100) if (expected.has(at)) expected.add(at + 1);
    expect(harness.values()).toEqual([...expected].sort((a, b) => a - b));
    expect(harness.stateEntries).toBe(0);
  }
});

test("a deleted timer does not fire", async () => {
  const operator = processOperator({
    process(record: { readonly at: number; readonly cancel: boolean }, { timers }) {
      if (record.cancel) timers.deleteEventTimeTimer(record.at);
      else timers.registerEventTimeTimer(record.at);
    },
    onTimer: (timer) => [timer.timestamp],
  });
  const harness = openHarness(operator, { keys: [() => "k"] });
  await harness.process({ at: 5, cancel: false });
  await harness.process({ at: 6, cancel: false });
  await harness.process({ at: 5, cancel: true });
  await harness.processWatermark(10);
  expect(harness.values()).toEqual([6]);
});

test("processing-time timers go by the clock and fire at once when overdue after a restore", async () => {
  const operator = processOperator({
    process(at: number, { timers }) {
      timers.registerProcessingTimeTimer(at);
    },
    onTimer: (timer, { processingTime }) => [{ at: timer.timestamp, now: processingTime }],
  });
  const harness = openHarness(operator, { keys: [() => "k"], clock: 100 });
  await harness.process(150);
  await harness.process(120);
  await harness.setClock(120);
  expect(harness.values()).toEqual([]);
  await harness.setClock(121);
  expect(harness.values()).toEqual([{ at: 120, now: 121 }]);
  const restarted = harness.restarted();
  await restarted.setClock(1000);
  expect(restarted.values()).toEqual([{ at: 150, now: 151 }]);
});

test("a record fires the processing-time timers from before its arrival, as if the clock had been watched", async () => {
  const operator = processOperator({
    process: (at: number, { timers }) => {
      timers.registerProcessingTimeTimer(at);
      return [`record ${at}`];
    },
    onTimer: (timer) => [`timer ${timer.timestamp}`],
  });
  const watched = openHarness(operator, { keys: [() => "k"] });
  await watched.process(10);
  await watched.setClock(11);
  await watched.setClock(50);
  await watched.process(60);
  const replayed = openHarness(operator, { keys: [() => "k"] });
  await replayed.process(10);
  const restored = openHarness(operator, {
    keys: [() => "k"],
    restore: replayed.snapshot(),
    clock: 50,
  });
  await restored.process(60);
  expect([...replayed.values(), ...restored.values()]).toEqual(watched.values());
});

test("side outputs and two inputs share the state of the key", async () => {
  const late = outputTag<string>("unmatched");
  const operator = coProcessOperator({
    state: { name: valueState("name", codecs.text) },
    processLeft(user: { id: number; name: string }, { state }) {
      state.name.update(user.name);
    },
    processRight(order: { user: number; item: string }, context) {
      const name = context.state.name.get();
      if (name === undefined) context.sideOutput(late, order.item);
      return name === undefined ? [] : [`${name} ${order.item}`, String(context.timestamp)];
    },
  });
  const harness = openHarness(operator, {
    keys: [(user) => user.id, (order) => order.user],
    keyType: "integer",
  });
  await harness.processInput(1, { user: 1, item: "early" });
  await harness.processInput(0, { id: 1, name: "ada" });
  await harness.processInput(1, { user: 1, item: "pen" });
  expect(harness.values()).toEqual(["ada pen", "undefined"]);
  expect(harness.sideOutput(late)).toEqual(["early"]);
});

test.each([
  ["a promise", async () => {}, "returned a promise"],
  ["a string", () => "text", "returned a string"],
  ["undefined records", () => [undefined], "emitted undefined"],
])("a process function that returns %s is refused", async (_what, wrong, message) => {
  const operator = processOperator({ process: wrong as unknown as () => undefined });
  const harness = openHarness(operator, { keys: [() => "k"] });
  await expect(harness.process(1)).rejects.toThrow(message);
});

test("a record is run again even when its function swallowed the signal that state is missing", async () => {
  const operator = processOperator({
    state: { last: valueState("last", codecs.int64) },
    process(value: number, { state }) {
      let last: number | undefined = -1;
      try {
        last = state.last.get();
      } catch {
        last = -2;
      }
      state.last.update(value);
      return [last ?? 0];
    },
  });
  const harness = openHarness(operator, { keys: [() => "k"], notResident: true });
  await harness.process(5);
  await harness.process(6);
  expect(harness.values()).toEqual([0, 5]);
});
