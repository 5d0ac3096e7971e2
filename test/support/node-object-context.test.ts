/** The test kit keeps the promises of ObjectContext that the unit tests rest on. */
import { expect, it } from "vitest";
import { createNodeObjectContext } from "./node-object-context.ts";

it("takes back the rows and the alarm of a transaction that throws", () => {
  const context = createNodeObjectContext();
  context.sql.exec("CREATE TABLE line (number INTEGER PRIMARY KEY, bytes BLOB)");
  context.alarm.set(context.clock.now() + 50);
  const attempt = (): void =>
    context.sql.transaction(() => {
      context.sql.exec("INSERT INTO line VALUES (?, ?)", 1, new Uint8Array([7]));
      context.alarm.set(context.clock.now() + 10);
      throw new Error("crash");
    });
  expect(attempt).toThrow("crash");
  expect(context.sql.exec("SELECT * FROM line")).toEqual([]);
  expect(context.alarm.get()).toBe(context.clock.now() + 50);
});

it("gives blobs as Uint8Array, counts rows and refuses a second statement", () => {
  const { sql } = createNodeObjectContext();
  sql.exec("CREATE TABLE line (number INTEGER PRIMARY KEY, bytes BLOB)");
  sql.exec("INSERT INTO line VALUES (?, ?), (?, ?)", 1, new Uint8Array([7]), 2, new Uint8Array());
  expect(sql.exec("SELECT * FROM line WHERE number = 1")).toStrictEqual([
    { number: 1, bytes: new Uint8Array([7]) },
  ]);
  expect(sql.rowsWritten).toBe(2);
  expect(() => sql.exec("DELETE FROM line; DELETE FROM line")).toThrow("one statement");
});

it("runs timers and the alarm in order of time and lets promises run between them", async () => {
  const context = createNodeObjectContext();
  const seen: string[] = [];
  context.onAlarm = async () => {
    await Promise.resolve();
    seen.push(`alarm ${context.alarm.get()}`);
  };
  context.setTimer(30, () => seen.push("late"));
  context.setTimer(10, () => seen.push("early"));
  const cancelled = context.setTimer(10, () => seen.push("never"));
  cancelled.cancel();
  context.alarm.set(context.clock.now() + 20);
  await context.clock.advance(25);
  expect(seen).toEqual(["early", "alarm undefined"]);
  await context.clock.advance(5);
  expect(seen).toEqual(["early", "alarm undefined", "late"]);
  expect(context.pendingTimers).toBe(0);
});

it("keeps storage and alarm over a restart and forgets timers", async () => {
  const context = createNodeObjectContext();
  context.sql.exec("CREATE TABLE line (number INTEGER PRIMARY KEY)");
  context.setTimer(5, () => expect.fail("A timer outlived its object."));
  context.alarm.set(context.clock.now() + 5);
  const next = context.restart();
  let alarms = 0;
  next.onAlarm = async () => void alarms++;
  await context.clock.advance(10);
  expect(alarms).toBe(1);
  expect(next.sql.exec("SELECT * FROM line")).toEqual([]);
});

it("holds back reported errors until they are taken", async () => {
  const context = createNodeObjectContext();
  context.keepAlive(Promise.reject(new Error("lost")));
  await context.idle();
  expect(() => context.failOnReportedErrors()).toThrow("keepAlive");
  expect(context.takeErrors()).toHaveLength(1);
});

it("gives the same ids and dice for the same seed, and codecs that undo themselves", () => {
  const first = createNodeObjectContext().environment;
  const second = createNodeObjectContext().environment;
  expect([first.newId(), first.random()]).toEqual([second.newId(), second.random()]);
  expect(first.newId()).toMatch(/^[0-9a-f]{16}$/);
  const bytes = new TextEncoder().encode("weir ".repeat(100));
  for (const codec of [first.codecs.zstd!, first.codecs["deflate-raw"]!]) {
    const packed = codec.compress(bytes);
    expect(packed.length).toBeLessThan(bytes.length);
    expect(codec.decompress(packed, bytes.length)).toStrictEqual(bytes);
    expect(() => codec.decompress(packed, bytes.length - 1)).toThrow(/./);
  }
  expect(first.crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
});
