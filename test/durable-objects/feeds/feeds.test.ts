/** What each kind of feed does when something outside is late, wrong or repeated. */
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import type { Feed } from "../../../dataflow/feeds/feed.ts";
import { generator } from "../../../dataflow/feeds/generator.ts";
import { poll } from "../../../dataflow/feeds/poll.ts";
import { postedLines } from "../../../dataflow/feeds/posted-lines.ts";
import { queueMessages } from "../../../dataflow/feeds/queue-messages.ts";
import { r2Objects } from "../../../dataflow/feeds/r2-objects.ts";
import { job } from "../../../dataflow/job.ts";
import type { BuiltStream } from "../../../dataflow/job.ts";
import { JobWorld, ORDINARY_FAULTS, type JobWorldOptions } from "../jobs/job-world.ts";
import { ScriptedInputs } from "../../support/scripted-inputs.ts";

const encoder = new TextEncoder();

/** Counts equal lines, each key in one partition. */
function lineCounts(...feeds: readonly Feed[]): BuiltStream {
  return job("lines", { parallelism: 1, maxParallelism: 4 })
    .from(...feeds)
    .lines()
    .keyBy((line) => line)
    .count("counts");
}

function world(stream: BuiltStream, options: JobWorldOptions = {}): JobWorld {
  const created = new JobWorld(stream, options);
  onTestFinished(() => created.close());
  return created;
}

async function feedOf(it: JobWorld): Promise<Record<string, unknown>> {
  const { sources } = (await it.describe()) as unknown as {
    sources: readonly { feeds: readonly Record<string, unknown>[] }[];
  };
  return sources[0]!.feeds[0]!;
}

test("[FD6] an object that cannot be read ends the job FAILED, saying which, where and what to do", async () => {
  const inputs = new ScriptedInputs();
  inputs.put("in/1", "fine\n");
  inputs.put("in/2", new Uint8Array([...encoder.encode("also\n"), 0xff, 10]));
  const it = world(lineCounts(r2Objects({ prefix: "in/" })), { inputs });
  await it.until("FAILED");
  const exceptions = JSON.stringify(await it.exceptions());
  expect(exceptions).toContain("in/2");
  expect(exceptions).toContain("Line 2 of it, at byte 5");
  expect(exceptions).toContain("onBroken");
});

test.each([
  [
    "is damaged",
    (inputs: ScriptedInputs) => {
      inputs.put("in/2.gz", gzipSync("x\ny\n").subarray(0, 15));
    },
  ],
  [
    "has a line over 1 MiB",
    (inputs: ScriptedInputs) => {
      inputs.put("in/2", "x".repeat(1024 * 1024 + 1));
    },
  ],
])(
  "[FD6] with onBroken skip the rest of an object that %s is left out and counted",
  async (_, put) => {
    const inputs = new ScriptedInputs();
    inputs.put("in/1", "one");
    put(inputs);
    inputs.put("in/3", "three");
    const it = world(lineCounts(r2Objects({ prefix: "in/", onBroken: "skip" })), { inputs });
    await it.until("FINISHED");
    expect(await feedOf(it)).toMatchObject({ listed: 3, done: 2, skipped: 1, hasEnded: true });
  },
);

test.each([
  ["overwritten", (inputs: ScriptedInputs) => inputs.put("in/2", "other")],
  ["deleted", (inputs: ScriptedInputs) => void inputs.objects.delete("in/2")],
])("[FD7] an object that is %s after it was listed ends the job FAILED", async (what, change) => {
  const inputs = new ScriptedInputs();
  inputs.put("in/1", "a");
  inputs.put("in/2", "b");
  inputs.listeners.push((call) => {
    if (call.startsWith("read in/1")) change(inputs);
  });
  const it = world(lineCounts(r2Objects({ prefix: "in/" })), { inputs });
  await it.until("FAILED");
  expect(JSON.stringify(await it.exceptions())).toContain(`was ${what}`);
});

test("[FD8] a watching feed reads new objects once, whatever crashes", async () => {
  const inputs = new ScriptedInputs({ pageSize: 2 });
  inputs.put("in/5", "a\n");
  const feed = r2Objects({ prefix: "in/", watch: { everyMs: 2_000 } });
  const it = world(lineCounts(feed), { inputs, seed: 5, rates: ORDINARY_FAULTS });
  await it.describe();
  for (const key of ["in/9", "in/1", "in/3", "in/7"]) {
    await it.pass(5_000);
    inputs.put(key, "a\nb\n");
  }
  await it.pass(30_000);
  it.calm();
  await it.checkpoint();
  expect(await it.read("counts", "a")).toBe("5");
  expect(await it.read("counts", "b")).toBe("4");
});

test("[FD9] a poll counts each tick once under faults, and shows an error until it is over", async () => {
  const inputs = new ScriptedInputs();
  let ticks = 0;
  const feed = poll({ everyMs: 10_000, request: ({ tick }) => `tick\nnumber ${tick}` });
  const it = world(lineCounts(feed), { inputs, seed: 9, rates: ORDINARY_FAULTS });
  await it.describe();
  await it.pass(300_000);
  it.calm();
  await it.checkpoint();
  ticks = Number(await it.read("counts", "tick"));
  expect(ticks).toBeGreaterThan(25);
  expect(ticks).toBeLessThanOrEqual(32);
  expect(await it.read("counts", "number 12")).toBe("1");
});

test("[FD9] a URL that fails is asked again, and people see why", async () => {
  const inputs = new ScriptedInputs();
  const it = world(lineCounts(poll({ everyMs: 60_000, request: "https://weather.example/" })), {
    inputs,
  });
  await it.describe();
  await it.pass(3_000);
  expect(String((await feedOf(it))["error"])).toContain("answered 404");
  inputs.answers.set("https://weather.example/", () => "rain");
  await it.pass(20_000);
  await it.checkpoint();
  expect(await it.read("counts", "rain")).toBe("1");
  expect((await feedOf(it))["error"]).toBe(null);
});

test("[FD10] a generator keeps its rate by stored time, asleep or not", async () => {
  const feed = generator({ create: () => "x", ratePerSecond: 2 });
  const it = world(lineCounts(feed), { seed: 3, rates: { crash: 0.005 } });
  await it.describe();
  await it.pass(60_000);
  it.calm();
  await it.checkpoint();
  const made = Number(await it.read("counts", "x"));
  expect(made).toBeGreaterThan(80);
  expect(made).toBeLessThanOrEqual(124);
});

test("[FD12] asking for the status once begins a job's feeds, and leaves a job without any asleep", async () => {
  const fed = world(lineCounts(generator({ create: () => "x", count: 5 })));
  await fed.status();
  await fed.pass(60_000);
  expect(await fed.status()).toBe("FINISHED");
  expect(await feedOf(fed)).toMatchObject({ lines: 5, hasEnded: true });
  const idle = world(lineCounts(postedLines()));
  await idle.post(["a"]);
  await idle.checkpoint();
  await idle.pass(120_000);
  const asleep = idle.alarms();
  expect(asleep.filter((name) => name !== "coordinator")).toEqual([]);
  expect(await idle.status()).toBe("RUNNING");
  await idle.pass(1_000);
  expect(idle.alarms()).toEqual(asleep);
});

test("[FD11] messages that are delivered again are not counted again, and broken ones are named", async () => {
  const it = world(lineCounts(queueMessages({ queue: "orders" })), { seed: 2 });
  const message = (number: number) => ({
    id: `message-${number}`,
    sentAt: 1_000 * number,
    text: encoder.encode(`order\n${number}`),
  });
  const deliver = (numbers: readonly number[]) =>
    it.appendMessages({ queue: "orders", messages: numbers.map(message) });
  expect(await deliver([1, 2, 3])).toEqual({ kind: "appended", added: 6, refused: [] });
  expect(await deliver([3, 4, 1])).toEqual({ kind: "appended", added: 2, refused: [] });
  await it.pass(60_000);
  expect(await deliver([1, 2, 3, 4])).toEqual({ kind: "appended", added: 0, refused: [] });
  const broken = { id: "broken", sentAt: 0, text: Uint8Array.of(0xff) };
  expect(await it.appendMessages({ queue: "orders", messages: [broken, message(5)] })).toEqual({
    kind: "appended",
    added: 2,
    refused: ["broken"],
  });
  await it.checkpoint();
  expect(await it.read("counts", "order")).toBe("5");
});
