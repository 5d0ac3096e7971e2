/** What each kind of sink sends, and what it makes of refusals. */
import { createHmac } from "node:crypto";
import { expect, it } from "vitest";
import { queue } from "../../../dataflow/sinks/queue.ts";
import { r2Files } from "../../../dataflow/sinks/r2-files.ts";
import { webhook } from "../../../dataflow/sinks/webhook.ts";
import { weirJob } from "../../../dataflow/sinks/weir-job.ts";
import type { SinkDefinition } from "../../../dataflow/sinks/sink-definition.ts";
import { signingSecret } from "./scripted-world.ts";
import { SinkJob } from "./sink-job.ts";

const hook = webhook({
  name: "results",
  url: { secret: "HOOK_URL" },
  signingSecret: "SIGNING",
  maxRecords: 3,
  maxBytes: 1_024,
});
const dayMs = 24 * 3_600_000;

function valueLine(value: unknown): string {
  return `{"output":"results","value":${JSON.stringify(value)}}`;
}

/** A job whose partition 0 gives these values before every barrier, or those of that checkpoint. */
async function running(
  definitions: readonly SinkDefinition[],
  values: (checkpoint: number) => readonly unknown[],
): Promise<SinkJob> {
  const sinkJob = new SinkJob(definitions);
  sinkJob.world.secrets.set("HOOK_URL", "https://example.com/secret-path");
  sinkJob.results = (index, checkpoint) => (index === 0 ? values(checkpoint).map(valueLine) : []);
  await sinkJob.job.attachAll();
  return sinkJob;
}

it("[SK5] a webhook is signed over its id, time and body with every key of the secret", async () => {
  const sinkJob = await running([hook], () => ["ä", { b: 1 }]);
  sinkJob.world.secrets.set("SIGNING", `${signingSecret} plain-text`);
  await sinkJob.checkpoint();
  const [{ body, headers, url }] = sinkJob.world.requests as [(typeof sinkJob.world.requests)[0]];
  expect(url).toBe("https://example.com/secret-path");
  expect(Buffer.from(body).toString()).toBe('"ä"\n{"b":1}\n');
  const id = headers["webhook-id"]!;
  expect(id).toMatch(/^[0-9a-f]+-1-results-0$/);
  expect(headers["Idempotency-Key"]).toBe(id);
  const signed = Buffer.concat([Buffer.from(`${id}.${headers["webhook-timestamp"]}.`), body]);
  const keys = ["a secret of many bytes", "plain-text"];
  expect(headers["webhook-signature"]).toBe(
    keys.map((key) => `v1,${createHmac("sha256", key).update(signed).digest("base64")}`).join(" "),
  );
});

it("[SK5] batches end at their limits, a longer record goes alone, and ids count records", async () => {
  const long = "x".repeat(3_000);
  const sinkJob = await running([hook], () => [1, 2, 3, 4, long, 5]);
  await sinkJob.checkpoint();
  const sent = [...sinkJob.world.bodies].map(([id, body]) => [id.split("-").at(-1), body]);
  expect(sent).toEqual([
    ["0", "1\n2\n3\n"],
    ["3", "4\n"],
    ["4", `"${long}"\n`],
    ["5", "5\n"],
  ]);
});

it("[SK3] a sink that is asked to wait waits that long, tells why, and goes on in order", async () => {
  const sinkJob = await running([hook], (checkpoint) => [checkpoint]);
  const { job, world } = sinkJob;
  const told = { status: 429, retryAfter: "120", text: "slow down" };
  world.fate = () => told;
  await sinkJob.checkpoint();
  expect(await sinkJob.described("results")).toMatchObject({
    uncommittedCheckpoints: 1,
    failures: 1,
    lastError: "The webhook answered records 0 to 0 of checkpoint 1 with status 429: slow down",
  });
  const attempts: string[] = [];
  world.fate = (call) => (attempts.push(call), "answered");
  await job.advance(90_000);
  expect(attempts).toEqual([]);
  await sinkJob.checkpoint();
  await job.advance(20_000);
  expect([...world.bodies.values()]).toEqual(["1\n", "2\n"]);
  const { exceptionHistory } = (await job.coordinator.exceptions()) as unknown as {
    exceptionHistory: { entries: { exceptionName: string; message: string }[] };
  };
  expect(exceptionHistory.entries).toMatchObject([
    { exceptionName: "SinkException", message: expect.stringContaining('Sink "results" did not') },
  ]);
});

it("[SK3] an answer that will not change by itself is asked for again all the same, more and more rarely", async () => {
  const sinkJob = await running([hook], () => ["kept"]);
  const { job, world } = sinkJob;
  let attempts = 0;
  world.fate = () => (attempts++, { status: 404, retryAfter: undefined, text: "" });
  await sinkJob.checkpoint();
  await job.advance(dayMs);
  expect(attempts).toBeGreaterThan(dayMs / 300_000 - 2);
  expect(attempts).toBeLessThan(dayMs / 300_000 + 20);
  world.fate = () => "answered";
  await job.advance(300_000);
  expect([...world.bodies.values()]).toEqual(['"kept"\n']);
  expect(job.context.alarm.get()! - job.now).toBeGreaterThan(60_000);
});

it("[SK3] an attempt that came on is followed by another soon, however many failed before", async () => {
  const sinkJob = await running([hook], () => Array.from({ length: 60 }, (_, index) => index));
  const { job, world } = sinkJob;
  let calls = 0;
  // Every second request fails: 20 requests have to get through.
  world.fate = () => (calls++ % 2 === 0 ? "lost" : "answered");
  await sinkJob.checkpoint();
  await job.advance(20_000);
  expect(world.bodies.size).toBe(20);
});

it("[SK3] a sink that is down delays no other", async () => {
  const other = queue({ name: "other", binding: "QUEUE" });
  const sinkJob = new SinkJob([hook, other]);
  sinkJob.results = (index) => (index === 0 ? [valueLine(1), '{"output":"other","value":2}'] : []);
  await sinkJob.job.attachAll();
  const { world } = sinkJob;
  await sinkJob.checkpoint();
  await sinkJob.checkpoint();
  expect(world.requests).toEqual([]);
  expect([...world.messages.values()].map(({ value }) => value)).toEqual([2, 2]);
  expect((await sinkJob.described("results"))["lastError"]).toContain(
    'no secret bound as "HOOK_URL"',
  );
});

it("[SK4] batches of a queue stay within the platform's limits", async () => {
  const values = [
    ...Array.from({ length: 250 }, (_, index) => index),
    ...Array.from({ length: 5 }, (_, index) => `${index}`.padEnd(100_000, "x")),
  ];
  const sinkJob = await running([queue({ name: "results", binding: "QUEUE" })], () => values);
  await sinkJob.checkpoint();
  const { batches } = sinkJob.world;
  expect(batches.map(({ length }) => length)).toEqual([100, 100, 52, 2, 1]);
  const sizes = batches.flat().map((message) => JSON.stringify(message).length);
  expect(Math.max(...sizes)).toBeLessThan(128_000);
  for (const batch of batches) expect(JSON.stringify(batch).length).toBeLessThan(256_000);
  expect(batches.flat().map(({ index, value }) => [index, value])).toEqual(
    values.map((value, index) => [index, value]),
  );
  expect(batches[0]![7]).toMatchObject({ job: "words", sink: "results", checkpoint: 1 });
});

it("[SK4] a record that no message can hold is named, after everything before it was sent", async () => {
  const values = [1, 2, "x".repeat(140_000), 3];
  const sinkJob = await running([queue({ name: "results", binding: "QUEUE" })], () => values);
  await sinkJob.checkpoint();
  await sinkJob.job.advance(60_000);
  expect([...sinkJob.world.messages.values()].map(({ value }) => value)).toEqual([1, 2]);
  expect((await sinkJob.described("results"))["lastError"]).toContain("Record 2 of checkpoint 1");
});

it("[SK2] directories beyond the limit share one, and the manifest names every file", async () => {
  const files = r2Files({ name: "results", path: "a/b/{k}/", bucket: "FILES", maxPartitions: 2 });
  const sinkJob = await running([files], () => ["x", "y", "z", "x", "w"].map((k) => ({ k })));
  await sinkJob.checkpoint();
  const directories = [...sinkJob.world.objects.keys()].map((key) => key.replace(/[^/]*$/, ""));
  expect(directories).toEqual(["a/b/x/", "a/b/y/", "a/b/_other/", "a/b/_manifests/"]);
  const [key, { bytes }] = [...sinkJob.world.objects].at(-1)!;
  expect(key).toMatch(/^a\/b\/_manifests\/results-[0-9a-f]{16}-0000000001\.json$/);
  expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({
    job: "words",
    sink: "results",
    checkpoint: 1,
    records: 5,
    size: 50,
    files: [
      { key: expect.stringMatching(/^a\/b\/x\/results-.*-00000\.ndjson$/), size: 20, records: 2 },
      { key: expect.stringContaining("/y/"), size: 10, records: 1 },
      { key: expect.stringContaining("/_other/"), size: 20, records: 2 },
    ],
  });
});

it("[SK2] a commit without a record of the sink writes nothing, and nothing appears before its checkpoint", async () => {
  const files = r2Files({ name: "results", path: "f/", bucket: "FILES" });
  const sinkJob = await running([files], (checkpoint) => (checkpoint === 2 ? ["late"] : []));
  sinkJob.results = (index, checkpoint) =>
    checkpoint === 2 && index === 0 ? [valueLine("late")] : ['{"output":"else","value":1}'];
  await sinkJob.checkpoint();
  expect(sinkJob.world.objects.size).toBe(0);
  await sinkJob.checkpoint();
  expect(sinkJob.world.objects.size).toBe(2);
});

it("[SK2] a job whose sink writes many files keeps a bounded part of a commit in memory", async () => {
  const files = r2Files({ name: "results", path: "f/{k}/", bucket: "FILES", rollBytes: 65_536 });
  const text = "y".repeat(20_000);
  const values = Array.from({ length: 1_200 }, (_, index) => ({ k: index % 50, text }));
  const sinkJob = await running([files], () => values);
  await sinkJob.checkpoint();
  await sinkJob.job.advance(10_000);
  const sizes = [...sinkJob.world.objects.values()].map(({ size }) => size);
  expect(sizes.length).toBeGreaterThan(400);
  const { objects } = sinkJob.world;
  const lines = [...objects]
    .filter(([key]) => key.endsWith(".ndjson"))
    .map(([, { bytes }]) => Buffer.from(bytes).toString().split("\n").length - 1);
  expect(lines.reduce((sum, count) => sum + count, 0)).toBe(1_200);
  expect(Math.max(...lines)).toBe(3);
});

it("[SK6] after six days of silence a sink into a job is a new producer, and no request is taken for an old one", async () => {
  const sinkJob = await running([weirJob({ name: "results", job: "other" })], (checkpoint) => [
    checkpoint,
  ]);
  const { job, world } = sinkJob;
  await sinkJob.checkpoint();
  await sinkJob.checkpoint();
  expect([...world.producers.values()].map(({ closedSequence }) => closedSequence)).toEqual([1]);
  await job.advance(6 * dayMs + 1_000);
  // What the other job does after 7 days.
  world.producers.clear();
  await sinkJob.checkpoint();
  expect(world.lines).toEqual(["1", "2", "3"]);
});

it("[SK6] a job that forgot the producer stops the sink, until another producer is named", async () => {
  const other = weirJob({ name: "results", job: "other" });
  const sinkJob = await running([other], (checkpoint) => [checkpoint]);
  const { job, world } = sinkJob;
  await sinkJob.checkpoint();
  world.producers.clear();
  await sinkJob.checkpoint();
  expect((await sinkJob.described("results"))["lastError"]).toContain('another "producer"');
  await job.advance(dayMs);
  expect(world.lines).toEqual(["1"]);
  sinkJob.deploy([weirJob({ name: "results", job: "other", producer: "second" })]);
  await job.advance(300_000);
  expect(world.lines).toEqual(["1", "2"]);
});

it("[SK8] requests and messages of sinks are in the cost of the job and of the checkpoint they deliver", async () => {
  const messages = queue({ name: "messages", binding: "QUEUE" });
  const sinkJob = new SinkJob([hook, messages]);
  const { job, world } = sinkJob;
  world.secrets.set("HOOK_URL", "https://example.com/");
  const long = JSON.stringify({ output: "messages", value: "x".repeat(100_000) });
  const short = '{"output":"messages","value":1}';
  sinkJob.results = (index, checkpoint) =>
    index === 0 && checkpoint === 1 ? [...[1, 2, 3, 4].map(valueLine), short, long] : [];
  await job.attachAll();
  let failures = 1;
  world.fate = () => (failures-- > 0 ? "lost" : "answered");
  await sinkJob.checkpoint();
  // One message of one part and one of two, each written, read and deleted; one request was sent twice.
  const counted = { queue_operations: 9, subrequests: 3 };
  const detail = await job.coordinator.checkpointDetail(1);
  expect(detail).toMatchObject(counted);
  expect(detail!["estimated_cost_usd"]).toBeGreaterThanOrEqual((4.5 + 9 * 0.4) / 1e6);
  const { meters, observed_operations } = (await job.coordinator.cost()) as {
    meters: Record<string, { usd: number }>;
    observed_operations: object;
  };
  expect(observed_operations).toMatchObject({ queueOperations: 9, subrequests: 3 });
  expect(meters["queue_operations"]!.usd).toBeGreaterThan(0);
  expect(meters["subrequests"]!.usd).toBe(0);
  await sinkJob.checkpoint();
  expect(await job.coordinator.checkpointDetail(2)).not.toHaveProperty("subrequests");
});
