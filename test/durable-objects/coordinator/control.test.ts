/** Requested checkpoints, restarts, stop and start, statistics: with scripted tasks. */
import { expect, it } from "vitest";
import type { JsonObject } from "../../../durable-objects/coordinator-queries.ts";
import { ScriptedJob, task } from "./scripted-job.ts";

async function running(options = {}): Promise<ScriptedJob> {
  const job = new ScriptedJob({ checkpoint: { intervalMs: 0 }, ...options });
  await job.attachAll();
  return job;
}

/** All partitions acknowledge what is pending, listing one object each. */
async function acknowledgeAll(job: ScriptedJob, names = ["o"]): Promise<void> {
  const checkpoint = job.sources[0]!.triggers.at(-1)!.checkpoint;
  for (const index of job.partitions.keys()) {
    const listed = names.map((name) => `${name}${index}`);
    const fresh = listed.filter((name) => !job.bucket.blobs.has(job.path(index, name)));
    await job.coordinator.acknowledge(job.withTables(index, checkpoint, listed, fresh));
  }
  await job.context.idle();
}

it("[rule 25] a requested checkpoint covers every line accepted before, and triggers only once they are cut", async () => {
  const job = await running();
  const [source] = job.sources;
  source!.accepted = 100;
  const answer = job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  await job.advance(3_000);
  expect(source!.triggers).toHaveLength(0);
  source!.processed = 100;
  await job.advance(3_000);
  expect(source!.triggers).toHaveLength(1);
  await acknowledgeAll(job);
  expect(await answer).toMatchObject({
    kind: "completed",
    detail: { id: 1, status: "COMPLETED" },
  });
});

it("[rule 25] a requested checkpoint does not hold up the checkpoints of the interval", async () => {
  const job = await running({ checkpoint: { intervalMs: 1_000 } });
  const [source] = job.sources;
  source!.accepted = 100;
  source!.processed = 10;
  const answer = job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  await job.coordinator.sourceChanged({ report: source!.report(), reason: "input" });
  await job.advance(1_500);
  expect(source!.triggers).toHaveLength(1);
  await acknowledgeAll(job);
  expect(await job.latest()).toBe(1);
  source!.processed = 100;
  await job.advance(3_000);
  await acknowledgeAll(job, ["o", "p"]);
  expect(await answer).toMatchObject({ kind: "completed", detail: { id: 2 } });
});

it("[rule 26] a request is answered with the latest completed checkpoint when nothing changed, without a put or a manifest", async () => {
  const job = await running();
  await job.lines(10);
  const first = job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  await job.advance(10);
  await acknowledgeAll(job);
  await first;
  const puts = job.bucket.puts.length;
  const again = await job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  expect(again).toMatchObject({ kind: "completed", detail: { id: 1 } });
  expect(job.bucket.puts).toHaveLength(puts);
  expect(job.sources[0]!.triggers).toHaveLength(1);
});

it("a request completes an empty checkpoint 1 when no line was ever accepted", async () => {
  const job = await running();
  const answer = job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  await job.advance(10);
  for (const index of job.partitions.keys()) {
    await job.coordinator.acknowledge(job.acknowledgement(index, 1));
  }
  expect(await answer).toMatchObject({
    kind: "completed",
    detail: { id: 1, state_size: 0, new_tables: 0, put_operations: 1 },
  });
});

it("a request is answered with its id after waitMs, and goes on over a loss of memory", async () => {
  const job = await running();
  await job.lines(10);
  job.sources[0]!.deaf = true;
  const answer = job.coordinator.requestCheckpoint({ waitMs: 1_000 });
  await job.advance(1_000);
  expect((await answer).kind).toBe("pending");
  job.restart();
  job.sources[0]!.deaf = false;
  await job.advance(10_000);
  expect(job.sources[0]!.triggers).toHaveLength(1);
});

it("a requested checkpoint uploads everything anew when it is full, and says so in the barrier", async () => {
  const job = await running();
  await job.lines(10);
  const first = job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  await job.advance(10);
  await acknowledgeAll(job);
  await first;
  const full = job.coordinator.requestCheckpoint({ mode: "full", waitMs: 30_000 });
  await job.advance(10);
  expect(job.sources[0]!.triggers.at(-1)).toMatchObject({ checkpoint: 2, mode: "full" });
  await acknowledgeAll(job, ["full"]);
  expect(await full).toMatchObject({ kind: "completed", detail: { id: 2, new_tables: 2 } });
});

const poison = (job: ScriptedJob, generation: number) =>
  job.coordinator.fail({
    task: task(0),
    generation,
    attempt: job.attached[0]!.attempt,
    error: { name: "TypeError", message: "no such word", stack: "at flatMap" },
    source: 0,
    line: 7,
  });

it("a failure restarts the job under a new generation after a back-off", async () => {
  const job = await running();
  await poison(job, 1);
  expect(await job.coordinator.status()).toEqual({ status: "RESTARTING" });
  const wait = await job.coordinator.attachPartition({ task: task(0), codeVersion: "test" });
  expect(wait).toMatchObject({ kind: "wait", status: "RESTARTING" });
  job.restart();
  await job.advance(1_200);
  expect(await job.coordinator.status()).toEqual({ status: "RUNNING" });
  expect((await job.attach(0)).generation).toBe(2);
  expect(job.sources[0]!.told).toEqual(["enter 2 RESTARTING", "enter 2 RUNNING"]);
});

it("a failure at the same record again and again ends the job FAILED with its offset and error", async () => {
  const job = await running({ restart: { attempts: 2 } });
  for (let generation = 1; generation <= 3; generation++) {
    await poison(job, generation);
    await job.advance(70_000);
    if (generation < 3) await job.attachAll();
  }
  expect(await job.coordinator.status()).toEqual({ status: "FAILED" });
  const { lastException } = await job.coordinator.describeJob();
  expect(lastException).toMatchObject({ message: "no such word", source: 0, offset: 7 });
  expect(await job.coordinator.requestCheckpoint({ waitMs: 0 })).toMatchObject({
    kind: "unavailable",
    status: "FAILED",
  });
  expect(job.sources[0]!.told.at(-1)).toBe("enter 4 FAILED");
});

it("[rule 37] a failure has the uploads of an acknowledgement of the older generation deleted", async () => {
  const job = await running();
  await job.lines(10, "halfFull");
  await job.advance(0);
  const late = job.withTables(1, 1, ["late"]);
  await job.coordinator.acknowledge(job.withTables(0, 1, ["early"]));
  await poison(job, 1);
  expect(await job.coordinator.acknowledge(late)).toEqual({ kind: "restore" });
  await job.advance(60_000);
  expect(job.bucket.deleted.toSorted()).toEqual(
    [job.path(0, "early"), job.path(1, "late")].toSorted(),
  );
});

it("a failure of more checkpoints in a row than tolerated restarts the job", async () => {
  const job = await running({
    checkpoint: { intervalMs: 1_000, timeoutMs: 1_000, tolerableFailures: 1 },
  });
  await job.lines(10);
  await job.advance(2_100);
  expect(await job.coordinator.status()).toEqual({ status: "RUNNING" });
  await job.advance(2_000);
  expect(await job.coordinator.status()).toEqual({ status: "RESTARTING" });
  const { counts, latest } = await job.coordinator.checkpointStatistics();
  expect(counts).toMatchObject({ failed: 2, completed: 0 });
  expect((latest as JsonObject)["failed"]).toMatchObject({ status: "FAILED" });
});

async function stopped(): Promise<ScriptedJob> {
  const job = await running({ checkpoint: { intervalMs: 0, retained: 3 } });
  for (const names of [["a"], ["b"]]) {
    await job.lines(10);
    const answer = job.coordinator.requestCheckpoint({ waitMs: 30_000 });
    await job.advance(10);
    await acknowledgeAll(job, names);
    await answer;
    await job.advance(10);
  }
  await job.lines(10);
  const stop = job.coordinator.stop({ drain: false, savepoint: false });
  await job.advance(10);
  await acknowledgeAll(job, ["c"]);
  expect(await stop).toEqual({ kind: "stopped", checkpoint: 3 });
  await job.advance(10);
  return job;
}

it("a job stops after a final checkpoint and tells the sources", async () => {
  const job = await stopped();
  expect(job.sources[0]!.told.at(-1)).toBe("enter 2 STOPPED");
  const source = await job.coordinator.attachSource({ source: 0, codeVersion: "test" });
  expect(source).toMatchObject({ kind: "attached", status: "STOPPED", completed: 3 });
  await job.advance(3_600_000);
  expect(job.context.alarm.get()).toBeUndefined();
});

it("[rule 18] a start goes back to an older checkpoint by an explicit pointer, and ids go on", async () => {
  const job = await stopped();
  expect(await job.coordinator.start({ from: { checkpoint: 1 } })).toEqual({
    kind: "started",
    generation: 3,
  });
  job.restart();
  await job.attachAll();
  expect(job.attached[0]).toMatchObject({ checkpoint: 1, sources: [{ offset: 10 }] });
  expect(job.attached[0]!.restored.tables.map(({ path }) => path)).toEqual([job.path(0, "a0")]);
  const answer = job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  await job.advance(10);
  expect(job.sources[0]!.triggers.at(-1)).toMatchObject({ checkpoint: 4, base: 1 });
  await acknowledgeAll(job, ["d"]);
  expect(await answer).toMatchObject({ kind: "completed", detail: { id: 4 } });
  for (const name of ["b0", "c0", "d0"]) expect(job.bucket.blobs.has(job.path(0, name))).toBe(true);
});

it("[rule 38] the coordinator refuses a start below the log's first line with the gap, unless the loss is accepted", async () => {
  const job = await stopped();
  job.sources[0]!.firstKept = 15;
  expect(await job.coordinator.start({ from: { checkpoint: 1 } })).toEqual({
    kind: "gap",
    sources: [{ source: 0, from: 10, firstKept: 15 }],
  });
  const started = await job.coordinator.start({ from: { checkpoint: 1 }, acceptLoss: true });
  expect(started.kind).toBe("started");
  await job.attachAll();
  expect(job.attached[0]!.sources).toMatchObject([{ offset: 15 }]);
});

it("[rule 38] a job starts empty at the oldest line kept", async () => {
  const job = await stopped();
  expect((await job.coordinator.start({ from: "empty" })).kind).toBe("started");
  await job.attachAll();
  expect(job.attached[0]).toMatchObject({
    checkpoint: 0,
    restored: { tables: [] },
    sources: [{ offset: 10 }],
  });
});

it("a stop that another one overtakes says that the job is stopped", async () => {
  const job = await running();
  await job.lines(10);
  job.sources[0]!.processed = 5;
  const drained = job.coordinator.stop({ drain: true, savepoint: false });
  await job.advance(10);
  expect(await job.coordinator.stop({ cancel: true, drain: false, savepoint: false })).toEqual({
    kind: "stopped",
    checkpoint: 0,
  });
  expect(await drained).toEqual({ kind: "stopped", checkpoint: 0 });
});

it("[rule 38] a job that was started empty and has no checkpoint since goes on from where it began", async () => {
  const job = await stopped();
  job.sources[0]!.firstKept = 10;
  const cancel = { cancel: true, drain: false, savepoint: false };
  expect((await job.coordinator.start({ from: "empty" })).kind).toBe("started");
  await job.coordinator.stop(cancel);
  expect((await job.coordinator.start({ from: "latest" })).kind).toBe("started");
  await job.coordinator.stop({ ...cancel, checkpoints: "delete" });
  expect(await job.coordinator.start({ from: "latest" })).toEqual({
    kind: "gap",
    sources: [{ source: 0, from: 0, firstKept: 10 }],
  });
});

it("the coordinator refuses what does not exist yet, saying what to do", async () => {
  const job = await stopped();
  for (const wanted of [
    { from: { savepoint: "x" } },
    { from: "latest" as const, parallelism: 3 },
    { from: { checkpoint: 99 } },
  ]) {
    expect((await job.coordinator.start(wanted)).kind).toBe("refused");
  }
  expect((await job.coordinator.stop({ drain: false, savepoint: true })).kind).toBe("refused");
});

it("[rule 43] monitoring has Flink's shapes and calls no task", async () => {
  const job = await running();
  await job.lines(10);
  const answer = job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  await job.advance(10);
  await acknowledgeAll(job);
  await answer;
  await job.advance(10);
  const told = job.sources[0]!.told.length;
  const statistics = await job.coordinator.checkpointStatistics();
  expect(statistics["counts"]).toEqual({
    restored: 0,
    total: 1,
    in_progress: 0,
    completed: 1,
    failed: 0,
  });
  expect(statistics["summary"]).toMatchObject({
    state_size: { min: 20, max: 20, avg: 20, p50: 20, p999: 20 },
  });
  expect(await job.coordinator.checkpointDetail(1)).toMatchObject({
    status: "COMPLETED",
    num_subtasks: 2,
    num_acknowledged_subtasks: 2,
    state_size: 20,
    new_tables: 2,
    reused_tables: 0,
    discarded: false,
  });
  expect(await job.coordinator.checkpointSubtasks({ id: 1, vertex: "counts" })).toMatchObject({
    subtasks: [{ index: 0, checkpoint: { sync: 1, async: 2 } }, { index: 1 }],
  });
  expect(await job.coordinator.describeJob()).toMatchObject({
    status: "RUNNING",
    sources: [{ accepted: 10, processed: 10, committed: 10 }],
    vertices: [{ kind: "source" }, { name: "counts", recordsIn: 10 }],
  });
  expect(await job.coordinator.cost()).toMatchObject({
    meters: { r2_class_a: { unit: "operations" } },
  });
  expect(job.sources[0]!.told).toHaveLength(told);
});
