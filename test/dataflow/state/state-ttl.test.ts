import { expect, test } from "vitest";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { processOperator } from "../../../dataflow/operators/process-operator.ts";
import {
  aggregatingState,
  listState,
  mapState,
  reducingState,
  valueState,
  type StateTtl,
} from "../../../dataflow/state/state-descriptor.ts";
import { openHarness } from "../../../dataflow/testing/operator-harness.ts";

/** Writes its number when it is positive, and shows what is left of every state. */
function everyState(ttl: StateTtl) {
  const length = {
    createAccumulator: () => 0,
    add: (count: number, _value: number) => count + 1,
    getResult: (count: number) => `${count} values`,
  };
  return processOperator({
    state: {
      value: valueState("value", codecs.int64, { ttl }),
      list: listState("list", codecs.int64, { ttl }),
      map: mapState("map", "integer", codecs.int64, { ttl }),
      sum: reducingState("sum", (a, b) => a + b, codecs.int64, { ttl }),
      length: aggregatingState("length", length, codecs.int64, { ttl }),
    },
    process(number: number, { state }) {
      if (number > 0) {
        state.value.update(number);
        state.list.add(number);
        state.map.put(number, number);
        state.sum.add(number);
        state.length.add(number);
      }
      const { value, list, map, sum, length } = state;
      return [[value.get(), list.get(), map.keys(), sum.get(), length.get(), map.isEmpty()]];
    },
  });
}

const times = ["processing", "event"] as const;
const cases = times.flatMap((time) => [false, true].map((notResident) => ({ time, notResident })));

function openTtlHarness(ttl: StateTtl, notResident: boolean) {
  const harness = openHarness(everyState(ttl), {
    keys: [(number) => (number < 0 ? "other" : "k")],
    notResident,
  });
  return {
    harness,
    showAt: async (at: number, number = 0): Promise<unknown> => {
      await harness.setClock(at);
      await harness.processWatermark(at);
      await harness.process(number, at);
      return harness.values().at(-1);
    },
  };
}

const gone = [undefined, [], [], undefined, undefined, true];

test.each(cases)(
  "values expire after their TTL in $time time (not resident: $notResident), lists and maps by element",
  async ({ time, notResident }) => {
    const { harness, showAt } = openTtlHarness({ ttlMs: 10, time }, notResident);
    expect(await showAt(0, 1)).toEqual([1, [1], [1], 1, "1 values", false]);
    expect(await showAt(5, 2)).toEqual([2, [1, 2], [1, 2], 3, "2 values", false]);
    expect(await showAt(9)).toEqual([2, [1, 2], [1, 2], 3, "2 values", false]);
    expect(await showAt(10)).toEqual([2, [2], [2], 3, "2 values", false]);
    expect(await showAt(14)).toEqual([2, [2], [2], 3, "2 values", false]);
    expect(await showAt(15)).toEqual(gone);
    expect(await showAt(16, 3)).toEqual([3, [3], [3], 3, "1 values", false]);
    // Nobody reads any more: event-time TTL is removed by a timer, processing-time TTL by the store.
    await harness.setClock(40);
    await harness.processWatermark(40);
    await harness.process(-1);
    expect(harness.stateEntries).toBe(0);
  },
);

test.each(cases)(
  "with onReadAndWrite a read starts the $time time anew (not resident: $notResident)",
  async ({ time, notResident }) => {
    const ttl = { ttlMs: 10, time, update: "onReadAndWrite" } as const;
    const { harness, showAt } = openTtlHarness(ttl, notResident);
    await showAt(0, 1);
    const alive = [1, [1], [1], 1, "1 values", false];
    for (const at of [8, 16, 24]) expect(await showAt(at)).toEqual(alive);
    expect(await showAt(34)).toEqual(gone);
    await harness.setClock(100);
    await harness.processWatermark(100);
    expect(harness.stateEntries).toBe(0);
  },
);

test("an outage changes no TTL: replayed records carry the time they arrived", async () => {
  const operator = everyState({ ttlMs: 30 });
  const live = openHarness(operator, { keys: [() => "k"] });
  await live.process(1);
  await live.setClock(20);
  const crashed = live.restarted();
  await live.process(2);
  await live.setClock(45);
  await crashed.process(2);
  await crashed.setClock(45);
  for (const harness of [live, crashed]) {
    await harness.process(0);
    expect(harness.values().at(-1)).toEqual([2, [2], [2], 3, "2 values", false]);
  }
});

test("a TTL that is no whole number of milliseconds and a name that cannot be one are refused", () => {
  expect(() => valueState("v", codecs.int64, { ttl: { ttlMs: 0 } })).toThrow(
    'ttl.ttlMs of state "v"',
  );
  expect(() => valueState("1st")).toThrow('"1st" cannot name a state');
});
