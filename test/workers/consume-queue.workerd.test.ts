/** When a message of a queue is delivered again, and to whom. */
import { expect, test } from "vitest";
import { bySource, delayAt } from "../../workers/queues/consume-queue.ts";

function message(id: string, sentAtMs: number) {
  const nothing = (): void => {};
  return { id, timestamp: new Date(sentAtMs), body: id, attempts: 1, ack: nothing, retry: nothing };
}

test("[FD11] a message is delivered to the same source each time, with those of its second", () => {
  const sent = [message("a", 4_999), message("b", 5_000), message("c", 5_999), message("d", 7_000)];
  const ids = [...bySource(sent, 2)].map(([source, ones]) => [source, ones.map(({ id }) => id)]);
  expect(ids).toEqual([
    [0, ["a"]],
    [1, ["b", "c", "d"]],
  ]);
  expect([...bySource(sent.slice(2, 3), 2).keys()]).toEqual([1]);
});

test("[FD11] deliveries that fail come further and further apart, and 100 of them last for days", () => {
  expect([1, 2, 3, 4, 10, 100].map((attempts) => delayAt(attempts, 10))).toEqual([
    10, 20, 40, 80, 3_600, 3_600,
  ]);
  const attempts = Array.from({ length: 100 }, (_, index) => index + 1);
  const seconds = attempts.reduce((sum, attempt) => sum + delayAt(attempt, 10), 0);
  expect(seconds).toBeGreaterThan(3.5 * 86_400);
});
