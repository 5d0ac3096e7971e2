import { expect, expectTypeOf, test } from "vitest";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { asyncOperator } from "../../../dataflow/operators/async-operator.ts";
import { decideAttempt, resolveAsyncPolicy } from "../../../dataflow/operators/async-policy.ts";
import { broadcastProcessOperator } from "../../../dataflow/operators/broadcast-process-operator.ts";
import { mapState } from "../../../dataflow/state/state-descriptor.ts";
import { openHarness } from "../../../dataflow/testing/operator-harness.ts";

const call = (id: number): Promise<readonly string[]> => Promise.resolve([`name ${id}`]);
const keys = [() => "k"] as const;

test.each([
  ["ordered", ["1", "2", "3"]],
  ["unordered", ["2", "1", "3"]],
] as const)(
  "%s results come in that order, whatever order they are answered in",
  async (order, expected) => {
    const harness = openHarness(asyncOperator("names", call, { order }), {
      keys,
      notResident: true,
      clock: 5,
    });
    for (const id of [1, 2, 3]) await harness.process(id, id * 10);
    const requests = harness.takeRequests();
    expect(requests.map(({ record }) => record)).toEqual([1, 2, 3]);
    await harness.complete(requests[1]!, ["2"]);
    await harness.complete(requests[1]!, ["again"]);
    await harness.complete(requests[0]!, ["1"]);
    await harness.complete(requests[2]!, ["3"]);
    expect(harness.values()).toEqual(expected);
  },
);

test("a watermark does not overtake a waiting record", async () => {
  const harness = openHarness(asyncOperator("names", call), { keys });
  await harness.processWatermark(5);
  await harness.process(1, 10);
  await harness.processWatermark(20);
  expect(harness.outputWatermark).toBe(5);
  await harness.complete(harness.takeRequests()[0]!, ["1"]);
  expect(harness.outputWatermark).toBe(20);
  expect(harness.records()).toEqual([{ value: "1", timestamp: 10 }]);
});

test("waiting records survive a restore and are asked for again; answered ones are not", async () => {
  const harness = openHarness(asyncOperator("names", call), { keys, notResident: true, clock: 1 });
  await harness.processWatermark(3);
  for (const id of [1, 2]) await harness.process(id, id);
  await harness.complete(harness.takeRequests()[1]!, ["2"]);
  await harness.processWatermark(9);
  const restored = harness.restarted();
  await restored.reissueRequests();
  const requests = restored.takeRequests();
  expect(requests.map(({ record }) => record)).toEqual([1]);
  expect(restored.outputWatermark).toBe(3);
  await restored.complete(requests[0]!, ["1"]);
  expect(restored.values()).toEqual(["1", "2"]);
  expect(restored.outputWatermark).toBe(9);
});

test("an answer to a forgotten request never meets a later record", async () => {
  const harness = openHarness(asyncOperator("names", call), { keys, clock: 1 });
  await harness.process(1);
  const [first] = harness.takeRequests();
  await harness.setClock(2);
  await harness.complete(first!, ["1"]);
  await harness.process(2);
  await harness.complete(first!, ["belated"]);
  await harness.complete(harness.takeRequests()[0]!, ["2"]);
  expect(harness.values()).toEqual(["1", "2"]);
});

test("a request that fails for good fails the job, or emits what onFailure answers", async () => {
  const strict = openHarness(asyncOperator("names", call), { keys });
  await strict.process(1);
  await expect(strict.fail(strict.takeRequests()[0]!, "timed out")).rejects.toThrow("timed out");
  const onFailure = (id: number, error: string): string[] => [`${id}: ${error}`];
  const lenient = openHarness(asyncOperator("names", call, { onFailure }), { keys });
  await lenient.process(1);
  await lenient.fail(lenient.takeRequests()[0]!, "timed out");
  expectTypeOf(lenient.values()).toEqualTypeOf<readonly string[]>();
  expect(lenient.values()).toEqual(["1: timed out"]);
});

test("onFailure that answers undefined fails the job instead of leaving the record waiting for ever", async () => {
  const nothing = (() => undefined) as unknown as () => string[];
  const harness = openHarness(asyncOperator("names", call, { onFailure: nothing }), { keys });
  await harness.process(1);
  await expect(harness.fail(harness.takeRequests()[0]!, "timed out")).rejects.toThrow(
    'onFailure of "names" answered undefined where a record is expected.',
  );
});

test("retries wait as their strategy says and end", () => {
  const fixed = resolveAsyncPolicy("a", { retry: { kind: "fixed", attempts: 3, delayMs: 50 } });
  expect([1, 2, 3].map((attempt) => decideAttempt(fixed, attempt))).toEqual([
    { kind: "retry", delayMs: 50 },
    { kind: "retry", delayMs: 50 },
    { kind: "giveUp" },
  ]);
  const retry = {
    kind: "exponential",
    attempts: 5,
    initialDelayMs: 10,
    maxDelayMs: 30,
    multiplier: 2,
  } as const;
  const growing = resolveAsyncPolicy("a", { retry });
  expect([1, 2, 3].map((attempt) => decideAttempt(growing, attempt))).toEqual([
    { kind: "retry", delayMs: 10 },
    { kind: "retry", delayMs: 20 },
    { kind: "retry", delayMs: 30 },
  ]);
  expect(() => resolveAsyncPolicy("a", { capacity: 0 })).toThrow('"capacity"');
});

const limits = mapState("limits", "string", codecs.int64);
const rules = broadcastProcessOperator({
  broadcast: { limits },
  process(order: { readonly user: string; readonly amount: number }, { key }, broadcast) {
    const limit = broadcast.limits.get("amount");
    return limit !== undefined && order.amount > limit ? [`${key} over ${limit}`] : [];
  },
  processBroadcast(rule: { readonly name: string; readonly limit: number }, { broadcast }) {
    broadcast.limits.put(rule.name, rule.limit);
  },
});

test("broadcast state reaches every key, is kept, and only the broadcast side writes it", async () => {
  const selectors = [(order: { readonly user: string }) => order.user, undefined] as const;
  const harness = openHarness(rules, { keys: selectors, notResident: true });
  await harness.processInput(0, { user: "ada", amount: 100 });
  await harness.processInput(1, { name: "amount", limit: 50 });
  const restored = harness.restarted();
  for (const user of ["ada", "bob", "eve"]) await restored.processInput(0, { user, amount: 60 });
  expect(harness.values()).toEqual([]);
  expect(restored.values()).toEqual(["ada over 50", "bob over 50", "eve over 50"]);
  broadcastProcessOperator({
    broadcast: { limits },
    processBroadcast() {},
    process(_record: number, _context, broadcast) {
      // @ts-expect-error the keyed side cannot write
      broadcast.limits.put("a", 1);
    },
  });
  const cheating = broadcastProcessOperator({
    broadcast: { limits },
    processBroadcast() {},
    process(_record: number, _context, broadcast) {
      (broadcast.limits as unknown as { put(key: string, value: number): void }).put("a", 1);
    },
  });
  const cheat = openHarness(cheating, { keys: [() => "k", undefined] });
  await expect(cheat.process(1)).rejects.toThrow('Broadcast state "limits" can only be written');
});
