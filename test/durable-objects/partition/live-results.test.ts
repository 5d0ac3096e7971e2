/** Results for whoever watches: positions, limits, and nothing kept for nobody. */
import { expect, test } from "vitest";
import { LiveResults } from "../../../durable-objects/partition/live-results.ts";
import type { ObjectContext } from "../../../durable-objects/object-context.ts";

/** A clock that a test moves; timers fire when it is moved past them. */
function createClock() {
  let now = 0;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  let memories = 0;
  const context = {
    environment: { now: () => now, newId: () => `memory${++memories}` },
    setTimer(delayMs: number, callback: () => void) {
      const timer = { at: now + delayMs, callback };
      timers.push(timer);
      return { cancel: () => void (timers = timers.filter((one) => one !== timer)) };
    },
  } as unknown as ObjectContext;
  const pass = (milliseconds: number): void => {
    now += milliseconds;
    const due = timers.filter(({ at }) => at <= now);
    timers = timers.filter(({ at }) => at > now);
    for (const { callback } of due) callback();
  };
  return { context, pass };
}

test("a watcher sees what is computed from its first question on, each result once", async () => {
  const { context } = createClock();
  const live = new LiveResults(context);
  live.offer("before");
  const first = live.await({ waitMs: 1_000 });
  live.offer("a");
  const { next, results } = await first;
  expect(results).toEqual(["a"]);
  live.offer("b");
  live.offer("c");
  const second = await live.await({ after: next, waitMs: 1_000 });
  expect(second).toMatchObject({ results: ["b", "c"], skipped: 0 });
});

test("a question ends without results when its time is over", async () => {
  const { context, pass } = createClock();
  const live = new LiveResults(context);
  const asked = live.await({ waitMs: 1_000 });
  pass(1_000);
  expect(await asked).toMatchObject({ results: [], skipped: 0 });
});

test("results beyond the limit are skipped and counted", async () => {
  const { context } = createClock();
  const live = new LiveResults(context);
  const first = live.await({ waitMs: 1_000 });
  live.offer("0");
  const { next } = await first;
  for (let index = 1; index <= 1_500; index++) live.offer(String(index));
  const { results, skipped } = await live.await({ after: next, waitMs: 1_000 });
  expect(skipped).toBe(500);
  expect([results.length, results[0], results.at(-1)]).toEqual([1_000, "501", "1500"]);
});

test("nothing is kept once the watcher has been gone for a while", async () => {
  const { context, pass } = createClock();
  const live = new LiveResults(context);
  const first = live.await({ waitMs: 1_000 });
  live.offer("a");
  const { next } = await first;
  pass(60_000);
  live.offer("b");
  live.offer("c");
  const late = live.await({ after: next, waitMs: 1_000 });
  pass(1_000);
  expect(await late).toMatchObject({ results: [] });
});

test("a position of an earlier memory begins with all that this one has", async () => {
  const { context } = createClock();
  const before = new LiveResults(context);
  const first = before.await({ waitMs: 1_000 });
  for (let index = 0; index < 7; index++) before.offer("lost");
  const { next } = await first;
  const after = new LiveResults(context);
  const asked = after.await({ after: next, waitMs: 1_000 });
  after.offer("a");
  expect(await asked).toMatchObject({ results: ["a"], skipped: 0 });
});
