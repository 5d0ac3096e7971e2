/**
 * Elements of lists, deadlines and timers as an operator leaves them in a table: each byte written out by hand
 * from FORMAT.md, and the table read by a reader that shares no code with the engine.
 */
import { expect, test } from "vitest";
import { codecs } from "../../../dataflow/codecs/codecs.ts";
import { job } from "../../../dataflow/job.ts";
import { listState, mapState, valueState } from "../../../dataflow/state/state-descriptor.ts";
import { TaskOverEngine, type TaskRecord } from "../../dataflow/keyed/task-over-engine.ts";
import { hashOf, readTable } from "./table-reader.ts";

const inEventTime = { ttl: { ttlMs: 1_000, time: "event" } } as const;
const inProcessingTime = { ttl: { ttlMs: 256, time: "processing" } } as const;

/** The record says which of the states are written, and what. */
const built = job("drawn")
  .lines()
  .map((line) => JSON.parse(line) as Readonly<Record<string, readonly string[]>>)
  .keyBy(() => "a")
  .process("writes", {
    state: {
      plain: listState("plain", codecs.text),
      recent: listState("recent", codecs.text, inEventTime),
      fresh: listState("fresh", codecs.text, inProcessingTime),
      last: valueState("last", codecs.text, inEventTime),
      seen: valueState("seen", codecs.text, inProcessingTime),
      prices: mapState("prices", "string", codecs.text, inEventTime),
    },
    process(written, { state, timers }) {
      for (const element of written["plain"] ?? []) state.plain.add(element);
      state.recent.addAll(written["recent"] ?? []);
      state.fresh.addAll(written["fresh"] ?? []);
      for (const value of written["last"] ?? []) state.last.update(value);
      for (const value of written["seen"] ?? []) state.seen.update(value);
      for (const value of written["prices"] ?? []) state.prices.put("k", value);
      for (const time of written["event"] ?? []) timers.registerEventTimeTimer(Number(time));
      for (const time of written["clock"] ?? []) timers.registerProcessingTimeTimer(Number(time));
    },
    onTimer: () => undefined,
  })
  .output();

interface Entry {
  readonly value: string;
  /** At which the table's entry expires. */
  readonly expiresAt?: number;
}

/** Keys and values of the one table that holds what `records` wrote, in hexadecimal. */
async function entriesAfter(records: readonly TaskRecord[]): Promise<Record<string, Entry>> {
  const over = new TaskOverEngine(built);
  await over.apply(records);
  const { engine, task } = over;
  const options = { mode: "full", inlineLimitBytes: 1_000_000 } as const;
  const { tables } = await engine.persist(engine.freeze(), options);
  task.close();
  engine.close();
  expect(tables).toHaveLength(1);
  const { entries } = readTable(Buffer.from(tables[0]!.inline!, "base64"));
  return Object.fromEntries(
    entries.map(({ expiresAt, key, value }) => [
      key,
      { value: value.toString("hex"), ...(expiresAt !== Infinity && { expiresAt }) },
    ]),
  );
}

/** Key group (of 16) and key; a state's id. By FORMAT.md these are hashes, worked out apart. */
const a = "0003";
const plain = "45af";
const recent = "0974";
const fresh = "adf9";
const last = "7a52";
const seen = "fad2";
const prices = "99f2";

test("the ids and the key group of these tests follow from the names, as FORMAT.md says", () => {
  const hash = (name: string): number => hashOf(Buffer.from(`----${name}`));
  expect(hash("a") % 16).toBe(Number.parseInt(a, 16));
  for (const [name, id] of Object.entries({ plain, recent, fresh, last, seen, prices })) {
    expect(16 + (hash(name) % 65_504)).toBe(Number.parseInt(id, 16));
  }
});

test("an element of a list is its length and its bytes, and elements stand one after the other", async () => {
  const long = "p".repeat(200);
  const written = await entriesAfter([
    { key: "a", value: { plain: ["ab", ""] } },
    { key: "a", value: { plain: [long, "é"] } },
  ]);
  expect(written).toEqual({
    // "ab" | "" | 200 is c8 01 as a varint | "é"
    [`${a}${plain}61`]: { value: `02616200c801${"70".repeat(200)}02c3a9` },
  });
});

test("an element of a list with a TTL begins with its own deadline, in either time", async () => {
  const written = await entriesAfter([
    // No time is known yet: never.
    { key: "a", value: { recent: ["w"] } },
    {
      key: "a",
      value: { recent: ["x", "yy"], fresh: ["u"] },
      timestamp: 1_000,
      arrivalTime: 5_000,
    },
    { key: "a", value: { recent: ["z"], fresh: ["v"] }, timestamp: 1_250, arrivalTime: 5_001 },
  ]);
  expect(written).toEqual({
    [`${a}${recent}61`]: {
      value:
        `ffffffffffffffff0177` +
        `80000000000007d00178` + // 2,000
        `80000000000007d0027979` +
        `80000000000008ca017a`, // 2,250
    },
    [`${a}${fresh}61`]: {
      value:
        `80000000000014880175` + // 5,256
        `80000000000014890176`, // 5,257
      // With the last of its elements.
      expiresAt: 5_257,
    },
    // What removes them: a state's id behind the key.
    [`${a}fffd80000000000007d0610001${recent}`]: { value: "" },
    [`${a}fffd80000000000008ca610001${recent}`]: { value: "" },
  });
});

test("a deadline in event time stands in front of a value, one in processing time is the entry's", async () => {
  const written = await entriesAfter([
    {
      key: "a",
      value: { last: ["z"], seen: ["w"], prices: ["v"] },
      timestamp: 1_000,
      arrivalTime: 5_000,
    },
  ]);
  expect(written).toEqual({
    [`${a}${last}61`]: { value: "80000000000007d07a" },
    [`${a}${seen}61`]: { value: "77", expiresAt: 5_256 },
    // The key escaped and ended, then the map's key "k".
    [`${a}${prices}6100016b`]: { value: "80000000000007d076" },
    [`${a}fffd80000000000007d0610001${last}`]: { value: "" },
    [`${a}fffd80000000000007d0610001${prices}`]: { value: "" },
  });
});

test("a timer is a key of its kind, its time and its key, without a value", async () => {
  const written = await entriesAfter([
    { key: "a", value: { event: ["4096", "-1"], clock: ["6000"] }, timestamp: 1_000 },
  ]);
  expect(written).toEqual({
    [`${a}fffe7fffffffffffffff610001`]: { value: "" },
    [`${a}fffe8000000000001000610001`]: { value: "" },
    [`${a}ffff8000000000001770610001`]: { value: "" },
  });
});
