import { expect, expectTypeOf, test } from "vitest";
import { job } from "../../../dataflow/job.ts";
import { mapState } from "../../../dataflow/state/state-descriptor.ts";
import { openJobOperator } from "../../../dataflow/testing/open-job-operator.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";

interface Sale {
  readonly shop: string;
  readonly amount: number;
}

function sale(shop: string, amount: number): Sale {
  return { shop, amount };
}

function salesByShop(name: string) {
  return job(name)
    .lines()
    .map((line) => JSON.parse(line) as Sale)
    .keyBy(({ shop }) => shop);
}

const three = [sale("a", 3), sale("b", 10), sale("a", 4)];

test("operators with one result per key open in the harness as the job has them", async () => {
  const byShop = salesByShop("results");
  byShop.count("counts");
  byShop.sum("sums", ({ amount }) => amount);
  byShop.reduce("largest", (a, b) => (a.amount > b.amount ? a : b));
  byShop.topN("best", { n: 1, rankBy: ({ amount }) => amount });
  const built = byShop.aggregate("averages", {
    createAccumulator: () => ({ sum: 0, count: 0 }),
    add: ({ sum, count }, { amount }) => ({ sum: sum + amount, count: count + 1 }),
    getResult: ({ sum, count }) => sum / count,
  });
  const expected = {
    counts: [2, 1],
    sums: [7, 10],
    largest: [sale("a", 4), sale("b", 10)],
    best: [[sale("a", 4)], [sale("b", 10)]],
    averages: [3.5, 10],
  };
  for (const [uid, [a, b]] of Object.entries(expected)) {
    const harness = openJobOperator<[Sale]>(built, uid, { notResident: true });
    for (const record of three) await harness.process(record);
    expect({ uid, results: harness.newest() }).toEqual({
      uid,
      results: new Map<string, unknown>([
        ["a", a],
        ["b", b],
      ]),
    });
  }
});

test("a window goes on from a snapshot, and shows its result once time has passed it", async () => {
  const built = salesByShop("windows")
    .window(tumblingWindows(1_000))
    .sum("sums", ({ amount }) => amount)
    .output();
  const harness = openJobOperator<[Sale], number>(built, "sums");
  await harness.process(sale("a", 3), 100);
  const restored = openJobOperator<[Sale], number>(built, "sums", { restore: harness.snapshot() });
  await restored.process(sale("a", 4), 200);
  await restored.processWatermark(998);
  expect(restored.values()).toEqual([]);
  await restored.processWatermark(999);
  expect(restored.records()).toEqual([{ value: 7, timestamp: 999 }]);
  expectTypeOf(restored.values()).toEqualTypeOf<readonly number[]>();
});

test("both inputs of a join have the keys of their streams", async () => {
  const start = job("joins").lines();
  const ids = start.map(Number).keyBy((id) => id, "integer");
  const named = start
    .map((line) => ({ id: Number(line), name: line }))
    .keyBy(({ id }) => id, "integer");
  ids
    .connect(named)
    .join("all", {}, (id, { name }) => `${id} ${name}`)
    .output("all");
  ids
    .connect(named)
    .intervalJoin("near", { lowerMs: -5, upperMs: 5 }, (id, { name }) => `${id} ${name}`)
    .output("near");
  const built = ids
    .connect(named)
    .windowJoin("pairs", { assigner: tumblingWindows(10) }, (id, { name }) => `${id} ${name}`)
    .output();
  for (const uid of ["all", "near", "pairs"]) {
    const harness = openJobOperator(built, uid);
    await harness.processInput(0, 1, 3);
    await harness.processInput(1, { id: 1, name: "one" }, 4);
    await harness.processInput(1, { id: 2, name: "two" }, 4);
    await harness.processWatermark(Infinity);
    expect({ uid, pairs: harness.values() }).toEqual({ uid, pairs: ["1 one"] });
  }
});

test("a broadcast input goes to the operator without a key", async () => {
  const limits = job("rules");
  const rules = limits.lines().filter((line) => line.startsWith("limit"));
  const built = limits
    .lines()
    .keyBy((line) => line)
    .connectBroadcast(rules)
    .processBroadcast("checks", {
      broadcast: { seen: mapState<boolean>("seen", "string") },
      process: (line: string, _context, { seen }) => [seen.get(line) === true],
      processBroadcast: (rule: string, { broadcast }) => broadcast.seen.put(rule.slice(6), true),
    })
    .output();
  const harness = openJobOperator<[string, string]>(built, "checks");
  await harness.process("a");
  await harness.processInput(1, "limit a");
  await harness.process("a");
  expect(harness.values()).toEqual([false, true]);
});

test("an operator the job has not is refused with those it has", () => {
  expect(() => openJobOperator(salesByShop("some").count("counts"), "sums")).toThrow(
    'Job "some" has no operator "sums". Open one of these: "counts".',
  );
});
