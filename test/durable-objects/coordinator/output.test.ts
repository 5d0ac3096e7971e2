/** Committed output: exactly what was acknowledged, in order, the same bytes every time. */
import { expect, it } from "vitest";
import type { OutputInterval } from "../../../durable-objects/messages.ts";
import { decodeOutputCursor } from "../../../workers/output/output-cursor.ts";
import { readOutputPage } from "../../../workers/output/output-page.ts";
import { ScriptedJob } from "./scripted-job.ts";

const dayMs = 24 * 3_600_000;

async function running(options = {}): Promise<ScriptedJob> {
  const job = new ScriptedJob({
    checkpoint: { intervalMs: 1_000, tolerableFailures: 3, retained: 3 },
    ...options,
  });
  await job.attachAll();
  return job;
}

function inline(checkpoint: number, ...results: readonly string[]): OutputInterval {
  const text = results.map((value) => `${JSON.stringify({ value })}\n`).join("");
  return {
    checkpoint,
    records: results.length,
    data: { inline: new TextEncoder().encode(text) },
  };
}

function object(
  job: ScriptedJob,
  name: string,
  checkpoint: number,
  results: readonly string[],
): OutputInterval {
  const text = results.map((value) => JSON.stringify({ value })).join("\n");
  const bytes = new TextEncoder().encode(text);
  const path = job.path(0, name);
  job.bucket.blobs.set(path, bytes);
  return { checkpoint, records: results.length, data: { path, size: bytes.length } };
}

/** One checkpoint; each partition acknowledges what `output` says. */
async function commit(
  job: ScriptedJob,
  id: number,
  output: (index: number) => OutputInterval[],
): Promise<void> {
  await job.lines(10, "silent");
  await job.advance(0);
  for (const index of job.partitions.keys()) {
    const answer = await job.coordinator.acknowledge(
      job.acknowledgement(index, id, { output: output(index) }),
    );
    expect(answer.kind).toBe("accepted");
  }
  await job.context.idle();
  await job.advance(0);
  expect(await job.latest()).toBe(id);
}

async function page(
  job: ScriptedJob,
  { after, cursor, limit = 1_000 }: { after?: number; cursor?: string; limit?: number } = {},
): Promise<{ lines: unknown[]; next?: string }> {
  const { body, next } = await readOutputPage(job.coordinator, job.bucket, {
    limit,
    ...(after !== undefined && { after }),
    ...(cursor !== undefined && { from: decodeOutputCursor(cursor) }),
  });
  const lines = body.split("\n").filter((line) => line !== "");
  return {
    lines: lines.map((line) => JSON.parse(line) as unknown),
    ...(next !== undefined && { next }),
  };
}

const line = (checkpoint: number, value: string) => ({ checkpoint, value });

it("[rule 17] output is served in commit order, checkpoint by checkpoint and task by task", async () => {
  const job = await running();
  await commit(job, 1, (index) => [inline(1, `a${index}`)]);
  await commit(job, 2, (index) =>
    index === 0 ? [object(job, "big", 2, ["b0", "c0"])] : [inline(2, "b1")],
  );
  await commit(job, 3, () => []);
  const all = [line(1, "a0"), line(1, "a1"), line(2, "b0"), line(2, "c0"), line(2, "b1")];
  expect(await page(job)).toEqual({ lines: all });
  expect(await page(job, { after: 1 })).toEqual({ lines: all.slice(2) });
  expect(await page(job, { after: 3 })).toEqual({ lines: [] });
  job.restart();
  expect(await page(job)).toEqual({ lines: all });
});

it("[rule 17b] pages end inside checkpoints and go on there, whatever their size", async () => {
  const job = await running();
  const results = (index: number): string[] =>
    Array.from({ length: 7 }, (_, number) => `${index}.${number}`);
  await commit(job, 1, (index) => [inline(1, ...results(index))]);
  await commit(job, 2, (index) => (index === 0 ? [object(job, "big", 2, results(0))] : []));
  const { lines: all } = await page(job);
  expect(all).toHaveLength(21);
  for (let limit = 1; limit <= 22; limit++) {
    const seen: unknown[] = [];
    let cursor: string | undefined;
    do {
      const one = await page(job, { limit, ...(cursor !== undefined && { cursor }) });
      expect(one.lines.length).toBeLessThanOrEqual(limit);
      seen.push(...one.lines);
      cursor = one.next;
    } while (cursor !== undefined);
    expect(seen).toEqual(all);
  }
});

it("[rule 17] a line longer than one read of an object is served whole", async () => {
  const job = await running();
  const long = "x".repeat(3 * 1024 * 1024);
  await commit(job, 1, (index) => (index === 0 ? [object(job, "big", 1, ["a", long, "b"])] : []));
  const first = await page(job, { limit: 2 });
  expect(first.lines).toEqual([line(1, "a"), line(1, long)]);
  expect((await page(job, { cursor: first.next! })).lines).toEqual([line(1, "b")]);
});

it("[rule 7a] output of an aborted checkpoint is committed with the next one that completes", async () => {
  const job = await running({
    checkpoint: { intervalMs: 1_000, timeoutMs: 2_000, tolerableFailures: 3 },
  });
  await job.lines(10, "silent");
  await job.advance(0);
  const early = object(job, "early", 1, ["first"]);
  await job.coordinator.acknowledge(job.acknowledgement(0, 1, { output: [early] }));
  await job.advance(4_000);
  expect(await page(job)).toEqual({ lines: [] });
  await commit2(job, [early, inline(2, "second")]);
  expect((await page(job)).lines).toEqual([line(2, "first"), line(2, "second")]);
  await job.advance(100);
  expect(job.bucket.deleted).toEqual([]);
});

async function commit2(job: ScriptedJob, output: OutputInterval[]): Promise<void> {
  await job.coordinator.acknowledge(job.acknowledgement(0, 2, { output }));
  await job.coordinator.acknowledge(job.acknowledgement(1, 2));
  await job.context.idle();
  await job.advance(0);
  expect(await job.latest()).toBe(2);
}

it("[rule 7b] what was committed with the base is not committed again, though it is acknowledged again", async () => {
  const job = await running();
  await commit(job, 1, () => [inline(1, "once")]);
  await commit(job, 2, () => [inline(1, "once"), inline(2, "then")]);
  expect((await page(job)).lines).toEqual([
    line(1, "once"),
    line(1, "once"),
    line(2, "then"),
    line(2, "then"),
  ]);
});

it("[rule 17a] committed output outlives its checkpoint and every sweep of tables", async () => {
  const job = await running({ checkpoint: { intervalMs: 1_000, retained: 1 } });
  await commit(job, 1, (index) => (index === 0 ? [object(job, "big", 1, ["kept"])] : []));
  for (const id of [2, 3, 4]) await job.completeOne(id);
  await job.advance(100);
  expect(await job.coordinator.locateCheckpoint(1)).toEqual({ kind: "gone" });
  expect((await page(job)).lines).toEqual([line(1, "kept")]);
  expect(await job.coordinator.scanOrphans({})).toMatchObject({ kind: "scanned", orphans: 0 });
  expect((await job.attach(0)).knownUploads).toContain(job.path(0, "big"));
});

it("[rule 17] output is deleted after its retention, objects too, and asking for it is 410", async () => {
  const job = await running({ output: { retainMs: dayMs } });
  await commit(job, 1, (index) => (index === 0 ? [object(job, "big", 1, ["old"])] : []));
  await job.advance(dayMs - 1_000);
  expect((await page(job, { after: 0 })).lines).toHaveLength(1);
  await commit(job, 2, () => [inline(2, "new")]);
  await job.advance(1_500);
  await expect(page(job, { after: 0 })).rejects.toMatchObject({ problem: { status: 410 } });
  expect((await page(job)).lines).toEqual([line(2, "new"), line(2, "new")]);
  expect((await page(job, { after: 1 })).lines).toHaveLength(2);
  await job.advance(3_700_000);
  expect(job.bucket.blobs.has(job.path(0, "big"))).toBe(false);
  await job.advance(2 * dayMs);
  await expect(page(job, { after: 1 })).rejects.toMatchObject({ problem: { status: 410 } });
  expect(job.context.alarm.get()).toBeUndefined();
});

it("[rule 18] going back to an older checkpoint is said in the feed, and nothing committed changes", async () => {
  const job = await running();
  for (const id of [1, 2, 3]) await commit(job, id, () => [inline(id, `r${id}`)]);
  const before = (await page(job)).lines;
  const stop = job.coordinator.stop({ drain: false, savepoint: false });
  await job.advance(10);
  expect((await stop).kind).toBe("stopped");
  await job.coordinator.start({ from: { checkpoint: 1 } });
  await job.attachAll();
  await job.lines(10, "silent");
  await job.advance(0);
  const again = job.sources[0]!.triggers.at(-1)!.checkpoint;
  expect(again).toBe(4);
  for (const index of job.partitions.keys()) {
    await job.coordinator.acknowledge(
      job.acknowledgement(index, 4, { output: [inline(2, "late"), inline(4, "r4")] }),
    );
  }
  await job.context.idle();
  const { lines } = await page(job);
  expect(lines.slice(0, before.length)).toEqual(before);
  expect(lines.slice(before.length)).toEqual([
    { checkpoint: 4, rewound: { from: 3, to: 1 } },
    line(4, "late"),
    line(4, "r4"),
    line(4, "late"),
    line(4, "r4"),
  ]);
  expect((await page(job, { after: 3, limit: 1 })).lines).toEqual([lines[before.length]]);
});

it("[rule 18] going on from a checkpoint that an earlier start went back over is said in the feed too", async () => {
  const job = await running();
  for (const id of [1, 2]) await commit(job, id, () => [inline(id, `r${id}`)]);
  for (const from of ["empty", { checkpoint: 2 }] as const) {
    await job.coordinator.stop({ cancel: true, drain: false, savepoint: false });
    expect((await job.coordinator.start({ from })).kind).toBe("started");
    await job.attachAll();
  }
  expect((await page(job)).lines.slice(-2)).toEqual([
    { checkpoint: 3, rewound: { from: 2, to: 0 } },
    { checkpoint: 3, rewound: { from: 0, to: 2 } },
  ]);
});

it("[rule 37] objects of output that does not count are deleted", async () => {
  const job = await running();
  await job.lines(10, "silent");
  await job.advance(0);
  const late = object(job, "late", 1, ["never"]);
  const zombie = job.acknowledgement(0, 1, { output: [late] });
  await job.attach(0);
  expect(await job.coordinator.acknowledge(zombie)).toEqual({ kind: "restore" });
  await job.advance(0);
  expect(job.bucket.deleted).toEqual([job.path(0, "late")]);
});

it("commits are announced as they happen, and those missed are told at once", async () => {
  const job = await running();
  await commit(job, 1, () => [inline(1, "a", "b")]);
  expect(await job.coordinator.awaitCommits({ after: 0, waitMs: 1_000 })).toMatchObject([
    { checkpoint: 1, records: 4 },
  ]);
  const next = job.coordinator.awaitCommits({ after: 1, waitMs: 30_000 });
  await commit(job, 2, () => []);
  expect(await next).toMatchObject([{ checkpoint: 2, records: 0 }]);
  const nothing = job.coordinator.awaitCommits({ after: 2, waitMs: 1_000 });
  await job.advance(1_000);
  expect(await nothing).toEqual([]);
});

it("inline output of more than a row holds goes into several rows, and more than is allowed is refused", async () => {
  const job = await running();
  const big = "y".repeat(900_000);
  await commit(job, 1, (index) => [inline(1, `${index}${big}`)]);
  expect((await page(job)).lines).toHaveLength(2);
  await job.lines(10, "silent");
  await job.advance(0);
  const refused = job.coordinator.acknowledge(
    job.acknowledgement(0, 2, { output: [inline(2, big, big)] }),
  );
  await expect(refused).resolves.toEqual({ kind: "refused" });
  const { latest } = (await job.coordinator.checkpointStatistics()) as {
    latest: { failed: { id: number; failure_message: string } };
  };
  expect(latest.failed).toMatchObject({
    id: 2,
    failure_message: expect.stringContaining("it has to put them into an object") as string,
  });
});
