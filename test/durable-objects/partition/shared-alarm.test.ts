import { expect, test } from "vitest";
import { SharedAlarm } from "../../../durable-objects/partition/shared-alarm.ts";
import { createNodeObjectContext } from "../../support/node-object-context.ts";
import { RecordingBlobStore } from "./partition-harness.ts";

function sharedAlarm() {
  const counter = { alarms: 0 };
  const context = createNodeObjectContext({
    blobStore: new RecordingBlobStore(),
    peers: {} as never,
  });
  const shared = new SharedAlarm(context, counter);
  return { context, counter, now: context.environment.now(), shared };
}

test("is set no later than each of them wants it, and costs a row only where it is too late", () => {
  const { context, counter, now, shared } = sharedAlarm();
  shared.ensureIn(5_000);
  shared.ensureIn(9_000);
  expect(context.alarm.get()).toBe(now + 5_000);
  shared.ensureIn(1_000);
  expect(context.alarm.get()).toBe(now + 1_000);
  expect(counter.alarms).toBe(2);
});

test("is cleared when none of them needs it any more, and only then", () => {
  const { context, now, shared } = sharedAlarm();
  let isNeeded = true;
  shared.share(() => isNeeded);
  shared.share(() => false);
  shared.ensureIn(5_000);
  shared.release();
  expect(context.alarm.get()).toBe(now + 5_000);
  isNeeded = false;
  shared.release();
  expect(context.alarm.get()).toBeUndefined();
});

test("leaves the alarm of the next attempt alone once its own is over", () => {
  const { context, counter, now, shared } = sharedAlarm();
  shared.close();
  context.alarm.set(now + 2_000);
  shared.release();
  shared.ensureIn(1_000);
  expect(context.alarm.get()).toBe(now + 2_000);
  expect(counter.alarms).toBe(0);
});
