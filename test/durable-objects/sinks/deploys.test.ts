/** Deploys that change, remove, rename and bring back sinks while they have something to deliver. */
import { expect, it } from "vitest";
import { queue } from "../../../dataflow/sinks/queue.ts";
import { r2Files } from "../../../dataflow/sinks/r2-files.ts";
import type { SinkDefinition } from "../../../dataflow/sinks/sink-definition.ts";
import { webhook } from "../../../dataflow/sinks/webhook.ts";
import { weirJob } from "../../../dataflow/sinks/weir-job.ts";
import { SinkJob } from "./sink-job.ts";

const dayMs = 24 * 3_600_000;

function hook(name: string, maxRecords = 2): SinkDefinition {
  return webhook({ name, url: "https://example.com/", signingSecret: "SIGNING", maxRecords });
}

/** Every checkpoint has five results of each name. */
async function running(
  definitions: readonly SinkDefinition[],
  { names = ["first"], options = {} }: { names?: readonly string[]; options?: object } = {},
): Promise<SinkJob> {
  const sinkJob = new SinkJob(definitions, options);
  sinkJob.results = (index, checkpoint) =>
    index === 0 ? names.flatMap((name) => five(name, checkpoint)) : [];
  await sinkJob.job.attachAll();
  return sinkJob;
}

function five(name: string, checkpoint: number): readonly string[] {
  return [0, 1, 2, 3, 4].map((number) => {
    const value = { place: `${name} ${checkpoint}.${number}` };
    return `{"output":"${name}","value":${JSON.stringify(value)}}`;
  });
}

function arrived({ world }: SinkJob): readonly string[] {
  return [...world.bodies.values()].flatMap((body) =>
    body.split("\n").filter((line) => line !== ""),
  );
}

async function exceptionNames({ job }: SinkJob): Promise<readonly string[]> {
  const { exceptionHistory } = (await job.coordinator.exceptions()) as unknown as {
    exceptionHistory: { entries: { exceptionName: string }[] };
  };
  return exceptionHistory.entries.map(({ exceptionName }) => exceptionName);
}

async function sinksOf({ job }: SinkJob): Promise<unknown> {
  return (await job.coordinator.describeJob())["sinks"];
}

it("[SK7] a sink that a deploy removes holds nothing up, says so, and goes on where it was when it is back", async () => {
  const sinkJob = await running([hook("first")], { options: { output: { uncommittedLimit: 3 } } });
  sinkJob.world.fate = () => "lost";
  for (let round = 0; round < 3; round++) await sinkJob.checkpoint();
  sinkJob.deploy([]);
  expect(await sinksOf(sinkJob)).toEqual({ uncommittedCheckpoints: 0, lastError: null, each: [] });
  expect((await exceptionNames(sinkJob))[0]).toBe("SinkRemoved");
  for (let round = 0; round < 3; round++) await sinkJob.checkpoint();
  expect(await sinkJob.job.latest()).toBe(6);
  sinkJob.world.fate = () => "answered";
  sinkJob.deploy([hook("first")]);
  await sinkJob.job.advance(300_000);
  const expected = await sinkJob.expected("first");
  expect(arrived(sinkJob)).toEqual(expected.slice(0, 15));
  await sinkJob.checkpoint();
  expect(arrived(sinkJob)).toEqual([
    ...expected.slice(0, 15),
    ...(await sinkJob.expected("first")).slice(30),
  ]);
});

it("[SK7] what a removed sink had to deliver ends with the retention of output", async () => {
  const options = { output: { retainMs: dayMs } };
  const sinkJob = await running([hook("first")], { options });
  sinkJob.world.fate = () => "lost";
  await sinkJob.checkpoint();
  sinkJob.deploy([]);
  await sinkJob.job.advance(2 * dayMs);
  expect(await sinkJob.expected("first")).toEqual([]);
  expect(sinkJob.job.context.alarm.get()).toBeUndefined();
  sinkJob.world.fate = () => "answered";
  sinkJob.deploy([hook("first")]);
  await sinkJob.job.advance(300_000);
  expect(arrived(sinkJob)).toEqual([]);
  expect(await sinkJob.described("first")).toMatchObject({
    uncommittedCheckpoints: 0,
  });
});

it("[SK7] what a sink has not delivered outlives the retention of output", async () => {
  const options = { output: { retainMs: dayMs } };
  const sinkJob = await running([hook("first")], { options });
  sinkJob.world.fate = () => "lost";
  await sinkJob.checkpoint();
  const expected = await sinkJob.expected("first");
  await sinkJob.job.advance(3 * dayMs);
  sinkJob.world.fate = () => "answered";
  await sinkJob.job.advance(300_000);
  expect(arrived(sinkJob)).toEqual(expected);
});

it("[SK7] a renamed sink begins with the next checkpoint", async () => {
  const sinkJob = await running([hook("first")], { names: ["first", "second"] });
  sinkJob.world.fate = () => "lost";
  await sinkJob.checkpoint();
  sinkJob.deploy([hook("second")]);
  sinkJob.world.fate = () => "answered";
  await sinkJob.checkpoint();
  await sinkJob.job.advance(300_000);
  expect(arrived(sinkJob)).toEqual((await sinkJob.expected("second")).slice(5));
});

it("[SK7] other limits count from the next commit on: what is sent again is what was sent before", async () => {
  const sinkJob = await running([hook("first", 2)]);
  const fates = ["answered", "answer lost"] as const;
  let calls = 0;
  sinkJob.world.fate = () => fates[calls++] ?? "lost";
  await sinkJob.checkpoint();
  expect(sinkJob.world.bodies.size).toBe(2);
  sinkJob.deploy([hook("first", 5)]);
  sinkJob.world.fate = () => "answered";
  await sinkJob.job.advance(300_000);
  await sinkJob.checkpoint();
  expect(arrived(sinkJob)).toEqual(await sinkJob.expected("first"));
  expect(sinkJob.world.bodies.size).toBe(4);
});

it("[SK7] a sink of another kind under the same name delivers whole commits", async () => {
  const sinkJob = await running([hook("first", 2)]);
  let calls = 0;
  sinkJob.world.fate = () => (calls++ === 0 ? "answered" : "lost");
  await sinkJob.checkpoint();
  sinkJob.deploy([queue({ name: "first", binding: "QUEUE" })]);
  sinkJob.world.fate = () => "answered";
  await sinkJob.job.advance(300_000);
  const values = [...sinkJob.world.messages.values()].map(({ value }) => JSON.stringify(value));
  expect(values).toEqual(await sinkJob.expected("first"));
});

it("[SK7] another path counts from the next commit on", async () => {
  const files = (path: string) => r2Files({ name: "first", path, bucket: "FILES" });
  const sinkJob = await running([files("old/{place}/")]);
  let calls = 0;
  sinkJob.world.fate = () => (calls++ < 2 ? "answered" : "lost");
  await sinkJob.checkpoint();
  expect(sinkJob.world.objects.size).toBe(2);
  sinkJob.deploy([files("new/")]);
  sinkJob.world.fate = () => "answered";
  await sinkJob.job.advance(300_000);
  await sinkJob.checkpoint();
  const roots = [...sinkJob.world.objects.keys()].map((key) => key.split("/")[0]);
  expect(roots).toEqual(["old", "old", "old", "old", "old", "old", "new", "new"]);
});

it("[SK7] a sink that is sent to another job and back loses nothing", async () => {
  const here = weirJob({ name: "first", job: "other" });
  const elsewhere = weirJob({
    name: "first",
    job: "other",
    url: "https://weir.example.com",
    token: "TOKEN",
  });
  const sinkJob = await running([here]);
  await sinkJob.checkpoint();
  for (const definition of [elsewhere, here]) {
    sinkJob.deploy([definition]);
    await sinkJob.checkpoint();
  }
  expect(sinkJob.world.lines).toEqual(await sinkJob.expected("first"));
  expect(sinkJob.world.producers.size).toBe(3);
});

it("[SK7] a deploy is tried at once, because it may be what mends the sink", async () => {
  const sinkJob = await running([queue({ name: "first", binding: "MISSPELT" })]);
  await sinkJob.checkpoint();
  await sinkJob.job.advance(3_600_000);
  expect(sinkJob.world.messages.size).toBe(0);
  sinkJob.deploy([queue({ name: "first", binding: "QUEUE" })], { codeVersion: "mended" });
  await sinkJob.job.advance(10);
  await sinkJob.job.context.idle();
  expect(sinkJob.world.messages.size).toBe(5);
});
