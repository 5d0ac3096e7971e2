/** The folds and joins of windows, in a running job under faults, against a few lines over an array. */
import { afterEach, expect, test } from "vitest";
import { job, type BuiltStream, type Stream } from "../../../dataflow/job.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import type { WindowedStream } from "../../../dataflow/windowed-stream.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { JobWorld, ORDINARY_FAULTS } from "./job-world.ts";

interface Order {
  readonly side: "left" | "right";
  readonly user: string;
  readonly amount: number;
  readonly at: number;
}

const SECOND = 1_000;
const options = {
  parallelism: 2,
  maxParallelism: 16,
  checkpoint: { intervalMs: 2_000 },
  restart: { attempts: 1_000_000, maxBackoffMs: 2_000 },
} as const;

const orders: readonly Order[] = (() => {
  const random = new SeededRandom(21);
  return Array.from({ length: 60 }, (_, index) => ({
    side: random.chance(0.5) ? "left" : "right",
    user: `user ${random.integer(4)}`,
    amount: random.between(1, 20),
    at: index * 100,
  }));
})();
const END_OF_TIME = orders.at(-1)!.at - 1;

const worlds: JobWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

function timedOrders(): Stream<Order> {
  return job("windows", options)
    .lines()
    .map((line) => JSON.parse(line) as Order)
    .assignTimestampsAndWatermarks(watermarks.monotonousTimestamps((order) => order.at));
}

async function run(stream: BuiltStream): Promise<readonly string[]> {
  const world = new JobWorld(stream, { seed: 13, rates: ORDINARY_FAULTS });
  worlds.push(world);
  const lines = orders.map((order) => JSON.stringify(order));
  for (let from = 0; from < lines.length; from += 7) {
    await world.post(lines.slice(from, from + 7));
    await world.pass(700);
  }
  world.calm();
  await world.checkpoint();
  return texts(await world.values());
}

function texts(values: readonly unknown[]): readonly string[] {
  return values.map((value) => JSON.stringify(value)).toSorted();
}

/** The records of each key and each second that is over. */
function windows(): readonly (readonly Order[])[] {
  const groups = Map.groupBy(orders, ({ user, at }) => `${user} ${Math.floor(at / SECOND)}`);
  return [...groups.values()].filter(
    ([first]) => (Math.floor(first!.at / SECOND) + 1) * SECOND - 1 <= END_OF_TIME,
  );
}

const smallest = (own: readonly Order[]): number => Math.min(...own.map(({ amount }) => amount));
const largest = (own: readonly Order[]): number => Math.max(...own.map(({ amount }) => amount));

test.each<
  [
    string,
    (window: WindowedStream<Order, string>) => BuiltStream,
    (own: readonly Order[]) => unknown,
  ]
>([
  ["min", (window) => window.min("smallest", (order) => order.amount).output(), smallest],
  [
    "max",
    (window) =>
      window
        .max(
          "largest",
          (order) => order.amount,
          (amount, { key }) => [[key, amount]],
        )
        .output(),
    (own) => [own[0]!.user, largest(own)],
  ],
  [
    "minBy",
    (window) => window.minBy("cheapest", (order) => order.amount).output(),
    (own) => own.find(({ amount }) => amount === smallest(own)),
  ],
  [
    "maxBy",
    (window) => window.maxBy("dearest", (order) => order.amount).output(),
    (own) => own.find(({ amount }) => amount === largest(own)),
  ],
])("%s shows one result for each window", async (_name, fold, expected) => {
  const stream = fold(
    timedOrders()
      .keyBy((order) => order.user)
      .window(tumblingWindows(SECOND)),
  );
  expect(await run(stream)).toEqual(texts(windows().map(expected)));
});

test("windowCoGroup sees both sides of each window, also where one of them is empty", async () => {
  const all = timedOrders();
  const side = (name: Order["side"]) =>
    all.filter((order) => order.side === name).keyBy((order) => order.user);
  const stream = side("left")
    .connect(side("right"))
    .windowCoGroup(
      "sides",
      { assigner: tumblingWindows(SECOND) },
      (lefts, rights, { key, window }) => [[key, window.start, lefts.length, rights.length]],
    )
    .output();
  const expected = windows().map((own) => [
    own[0]!.user,
    Math.floor(own[0]!.at / SECOND) * SECOND,
    own.filter((order) => order.side === "left").length,
    own.filter((order) => order.side === "right").length,
  ]);
  expect(expected.some((counts) => counts.includes(0))).toBe(true);
  expect(await run(stream)).toEqual(texts(expected));
});

test("windowJoin pairs the sides of each window", async () => {
  const all = timedOrders();
  const side = (name: Order["side"]) =>
    all.filter((order) => order.side === name).keyBy((order) => order.user);
  const stream = side("left")
    .connect(side("right"))
    .windowJoin("pairs", { assigner: tumblingWindows(SECOND) }, (left, right) => [
      left.at,
      right.at,
    ])
    .output();
  const expected = windows().flatMap((own) =>
    own
      .filter((order) => order.side === "left")
      .flatMap((left) =>
        own.filter((order) => order.side === "right").map((right) => [left.at, right.at]),
      ),
  );
  expect(expected.length).toBeGreaterThan(5);
  expect(await run(stream)).toEqual(texts(expected));
});
