/** Every operator of the vocabulary, in a running job, against what a few lines over an array give. */
import { afterEach, expect, test } from "vitest";
import { job, type BuiltStream } from "../../../dataflow/job.ts";
import { outputTag } from "../../../dataflow/operators/output-tag.ts";
import type { StandardSchema } from "../../../dataflow/standard-schema.ts";
import { mapState, valueState } from "../../../dataflow/state/state-descriptor.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import {
  globalWindows,
  slidingWindows,
  tumblingWindows,
} from "../../../dataflow/windows/assigners.ts";
import { countTrigger } from "../../../dataflow/windows/trigger.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { JobWorld, ORDINARY_FAULTS, type CommittedLine } from "./job-world.ts";

interface Order {
  readonly user: string;
  readonly amount: number;
  readonly at: number;
}

const options = {
  parallelism: 2,
  maxParallelism: 16,
  checkpoint: { intervalMs: 2_000 },
  restart: { attempts: 1_000_000, maxBackoffMs: 2_000 },
} as const;

const orders: readonly Order[] = (() => {
  const random = new SeededRandom(7);
  return Array.from({ length: 80 }, (_, index) => ({
    user: `user ${random.integer(7)}`,
    amount: random.between(1, 50),
    at: 10_000 + index * 100,
  }));
})();
const byUser = Map.groupBy(orders, ({ user }) => user);

const worlds: JobWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

function streamOfOrders() {
  return job("vocabulary", options)
    .lines()
    .map((line) => JSON.parse(line) as Order);
}

/** Feeds the lines under faults and answers everything committed. */
async function run(
  stream: BuiltStream,
  lines: readonly string[],
): Promise<readonly CommittedLine[]> {
  const world = new JobWorld(stream, { seed: 11, rates: ORDINARY_FAULTS });
  worlds.push(world);
  for (let from = 0; from < lines.length; from += 7) {
    await world.post(lines.slice(from, from + 7));
    await world.pass(700);
  }
  world.calm();
  await world.checkpoint();
  return world.output();
}

const orderLines = orders.map((order) => JSON.stringify(order));

/** The last committed value of each key. */
function newest(lines: readonly CommittedLine[]): Record<string, unknown> {
  return Object.fromEntries(lines.map(({ key, value }) => [String(key), value]));
}

function perUser<Value>(fold: (own: readonly Order[]) => Value): Record<string, Value> {
  return Object.fromEntries([...byUser].map(([user, own]) => [user, fold(own)]));
}

function texts(values: readonly unknown[]): readonly string[] {
  return values.map((value) => JSON.stringify(value)).toSorted();
}

const amounts = (own: readonly Order[]): number[] => own.map(({ amount }) => amount);
const total = (own: readonly Order[]): number => amounts(own).reduce((a, b) => a + b, 0);

test.each<[string, () => BuiltStream, Record<string, unknown>]>([
  [
    "count",
    () =>
      streamOfOrders()
        .keyBy((order) => order.user)
        .count("counts")
        .output(),
    perUser((own) => own.length),
  ],
  [
    "sum",
    () =>
      streamOfOrders()
        .keyBy((order) => order.user)
        .sum("sums", (order) => order.amount)
        .output(),
    perUser(total),
  ],
  [
    "min",
    () =>
      streamOfOrders()
        .keyBy((order) => order.user)
        .min("smallest", (order) => order.amount)
        .output(),
    perUser((own) => Math.min(...amounts(own))),
  ],
  [
    "maxBy",
    () =>
      streamOfOrders()
        .keyBy((order) => order.user)
        .maxBy("largest", (order) => order.amount)
        .output(),
    perUser((own) => own.find(({ amount }) => amount === Math.max(...amounts(own)))),
  ],
  [
    "reduce, its value mapped",
    () =>
      streamOfOrders()
        .keyBy((order) => order.user)
        .reduce("merged", (a, b) => ({ ...b, amount: a.amount + b.amount }))
        .mapValue(({ amount, at }) => [amount, at])
        .output(),
    perUser((own) => [total(own), own.at(-1)!.at]),
  ],
  [
    "aggregate",
    () =>
      streamOfOrders()
        .keyBy((order) => order.user)
        .aggregate("averages", {
          createAccumulator: () => ({ sum: 0, count: 0 }),
          add: ({ sum, count }, order) => ({ sum: sum + order.amount, count: count + 1 }),
          getResult: ({ sum, count }) => sum / count,
        })
        .output(),
    perUser((own) => total(own) / own.length),
  ],
  [
    "topN",
    () =>
      streamOfOrders()
        .keyBy((order) => order.user)
        .topN("best", { n: 2, rankBy: (order) => order.amount })
        .mapValue((best) => best.map(({ amount }) => amount))
        .output(),
    perUser((own) =>
      amounts(own)
        .toSorted((a, b) => b - a)
        .slice(0, 2),
    ),
  ],
])("%s commits the newest result of each key", async (_name, stream, expected) => {
  const lines = await run(stream(), orderLines);
  expect(worlds.at(-1)!.world.losses).toBeGreaterThan(0);
  expect(newest(lines)).toEqual(expected);
  const once = lines.map(({ checkpoint, key }) => `${checkpoint} ${String(key)}`);
  expect(new Set(once).size).toBe(once.length);
});

test("the value of a result that is gone is mapped to nothing", async () => {
  const stream = job("vocabulary", options)
    .lines()
    .keyBy((word) => word)
    .count("counts")
    .keyBy((count) => count, "integer")
    .count("words")
    .mapValue((words) => words * 10)
    .output();
  const { "14": last, ...gone } = newest(await run(stream, Array<string>(14).fill("a")));
  expect(last).toBe(10);
  expect(new Set(Object.values(gone))).toEqual(new Set([null]));
});

test("records that meet no key come out once, changed by map, filter and flatMap", async () => {
  const stream = streamOfOrders()
    .filter((order) => order.amount > 10)
    .flatMap((order) => [order.user, order.amount])
    .output("both");
  const lines = await run(stream, orderLines);
  expect(lines.every(({ output }) => output === "both")).toBe(true);
  expect(texts(lines.map(({ value }) => value))).toEqual(
    texts(orders.filter(({ amount }) => amount > 10).flatMap(({ user, amount }) => [user, amount])),
  );
});

test("branches, side outputs and unions of one stream see every record once", async () => {
  const large = outputTag<number>("large");
  const all = streamOfOrders();
  const split = all.process<number>(function* ({ amount }, context) {
    if (amount > 25) context.sideOutput(large, amount);
    else yield amount;
  });
  split.sideOutput(large).output("large");
  const doubled = split.map((amount) => amount * 2);
  const stream = split.union(doubled).output("small");
  const lines = await run(stream, orderLines);
  const of = (name: string) =>
    texts(lines.filter(({ output }) => output === name).map(({ value }) => value));
  const small = amounts(orders).filter((amount) => amount <= 25);
  expect(of("large")).toEqual(texts(amounts(orders).filter((amount) => amount > 25)));
  expect(of("small")).toEqual(texts([...small, ...small.map((amount) => amount * 2)]));
});

test("lines that are not what the schema says go to their own output with place and reason", async () => {
  const numberSchema: StandardSchema<unknown, { readonly n: number }> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) =>
        typeof (value as { n?: unknown } | null)?.n === "number"
          ? { value: value as { n: number } }
          : { issues: [{ message: "expected a number", path: ["n"] }] },
    },
  };
  const stream = job("numbers", options)
    .json(numberSchema, { rejectedTo: "rejected" })
    .map(({ n }) => n)
    .output();
  const lines = await run(stream, ['{"n":1}', "{", '{"n":"two"}', '{"n":3}', "null"]);
  const of = (name: string) =>
    lines.filter(({ output }) => output === name).map(({ value }) => value);
  expect(texts(of("output"))).toEqual(["1", "3"]);
  expect(of("rejected").toSorted((a, b) => lineOf(a) - lineOf(b))).toEqual([
    { source: 0, line: 1, reason: expect.stringContaining("not JSON"), text: "{" },
    { source: 0, line: 2, reason: "n: expected a number", text: '{"n":"two"}' },
    { source: 0, line: 4, reason: "n: expected a number", text: "null" },
  ]);
});

function lineOf(rejected: unknown): number {
  return (rejected as { line: number }).line;
}

test("deduplicate lets each key pass once", async () => {
  const stream = streamOfOrders()
    .keyBy((order) => order.user)
    .deduplicate("seen")
    .map((order) => order.at)
    .output();
  const lines = await run(stream, orderLines);
  expect(texts(lines.map(({ value }) => value))).toEqual(
    texts([...byUser.values()].map((own) => own[0]!.at)),
  );
});

test("count windows, sliding windows and triggers of one's own show what they hold", async () => {
  const timed = streamOfOrders().assignTimestampsAndWatermarks(
    watermarks.monotonousTimestamps((order) => order.at),
  );
  const keyed = timed.keyBy((order) => order.user);
  keyed
    .countWindow(3)
    .process("threes", (three, { key }) => [[key, ...amounts(three)]])
    .output("threes");
  keyed
    .window(globalWindows(), { trigger: countTrigger(5) })
    .count("fives")
    .output("fives");
  const stream = keyed
    .window(slidingWindows(1_000, 500))
    .sum(
      "sliding",
      (order) => order.amount,
      (sum, { key, window }) => [[key, window.start, sum]],
    )
    .output("sliding");
  const lines = await run(stream, orderLines);
  const of = (name: string) =>
    texts(lines.filter(({ output }) => output === name).map(({ value }) => value));
  const threes = [...byUser].flatMap(([user, own]) =>
    Array.from({ length: Math.floor(own.length / 3) }, (_, index) => [
      user,
      ...amounts(own.slice(index * 3, index * 3 + 3)),
    ]),
  );
  expect(of("threes")).toEqual(texts(threes));
  const fives = [...byUser.values()].flatMap((own) =>
    Array.from({ length: Math.floor(own.length / 5) }, (_, index) => (index + 1) * 5),
  );
  expect(of("fives")).toEqual(texts(fives));
  const end = orders.at(-1)!.at - 1;
  const sliding = [...byUser].flatMap(([user, own]) => {
    const starts = new Set(own.flatMap(({ at }) => [0, 500].map((back) => at - (at % 500) - back)));
    return [...starts]
      .filter((start) => start + 1_000 - 1 <= end)
      .map((start) => {
        const inside = own.filter(({ at }) => at >= start && at < start + 1_000);
        return [user, start, total(inside)];
      });
  });
  expect(of("sliding")).toEqual(texts(sliding));
});

test("two streams share the state of a key, and rules reach every partition", async () => {
  const lines = job("connected", options).lines();
  const names = lines.filter((line) => line.startsWith("name ")).map((line) => line.split(" "));
  const visits = lines.filter((line) => line.startsWith("visit ")).map((line) => line.split(" "));
  const rules = lines.filter((line) => line.startsWith("rule ")).map((line) => line.slice(5));
  const visitsByUser = visits.keyBy((visit) => visit[1]!);
  visitsByUser
    .connect(names.keyBy((name) => name[1]!))
    .process("named-visits", {
      state: { name: valueState<string>("name") },
      processLeft: (_visit, { key, state }) => [`${key} ${state.name.get() ?? "nobody"}`],
      processRight(name, { state }) {
        state.name.update(name[2]!);
      },
    })
    .output("named");
  const stream = visitsByUser
    .connectBroadcast(rules)
    .processBroadcast("ruled-visits", {
      broadcast: { rules: mapState<number>("rules", "string") },
      process: (_visit, { key }, { rules: known }) => [`${key} ${known.keys().join()}`],
      processBroadcast(rule, { broadcast }) {
        broadcast.rules.put(rule, 1);
      },
    })
    .output("ruled");
  const committed = await run(stream, [
    "visit ann",
    "name ann Ann",
    "rule a",
    "visit ann",
    "visit bob",
    "rule b",
    "name bob Bob",
    "visit bob",
    "visit cy",
  ]);
  const of = (name: string) =>
    texts(committed.filter(({ output }) => output === name).map(({ value }) => value));
  expect(of("named")).toEqual(
    texts(["ann nobody", "ann Ann", "bob nobody", "bob Bob", "cy nobody"]),
  );
  expect(of("ruled")).toEqual(texts(["ann ", "ann a", "bob a", "bob a,b", "cy a,b"]));
});

test("processing-time timers fire by the clock and their results are committed, without any input [26]", async () => {
  const stream = streamOfOrders()
    .keyBy((order) => order.user)
    .process("reminders", {
      state: { since: valueState<number>("since") },
      process(_order: Order, { state, timers, processingTime }) {
        if (state.since.get() !== undefined) return;
        state.since.update(processingTime);
        timers.registerProcessingTimeTimer(processingTime + 60_000);
      },
      onTimer: ({ timestamp }, { key, state }) => [[key, timestamp - state.since.get()!]],
    })
    .output();
  const world = new JobWorld(stream, { seed: 3 });
  worlds.push(world);
  await world.post(orderLines);
  await world.checkpoint();
  expect(await world.values()).toEqual([]);
  // Nothing else comes: the timers wake whom they need, and their results are committed.
  await world.pass(120_000);
  expect(texts(await world.values())).toEqual(
    texts([...byUser.keys()].map((user) => [user, 60_000])),
  );
});

test("a source that falls silent, or never had a line, does not hold event time back [28]", async () => {
  const stream = job("idle", { ...options, sources: 3 })
    .lines()
    .map(Number)
    .assignTimestampsAndWatermarks(
      watermarks.monotonousTimestamps((at: number) => at).withIdleness(20_000),
    )
    .keyBy(() => "all")
    .window(tumblingWindows(1_000))
    .count("counts", (count, { window }) => [[window.start, count]])
    .output();
  const world = new JobWorld(stream, { seed: 9 });
  worlds.push(world);
  await world.post(["100"], 0);
  await world.post(["200"], 1);
  await world.pass(3_000);
  await world.post(["5000"], 0);
  await world.pass(10_000);
  await world.checkpoint();
  expect(await world.values()).toEqual([]);
  await world.pass(60_000);
  expect(await world.values()).toEqual([[0, 2]]);
});
