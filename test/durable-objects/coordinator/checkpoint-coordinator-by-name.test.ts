/**
 * Flink's tests of its checkpoint coordinator, by their names, where no other test here shows the same: one
 * checkpoint is pending at a time here, so what Flink shows with two at once is shown one after the other.
 */
import { expect, it } from "vitest";
import { requestLimit } from "../../../durable-objects/coordinator/requests.ts";
import { ScriptedJob, task } from "./scripted-job.ts";

async function running(options = {}): Promise<ScriptedJob> {
  const checkpoint = { intervalMs: 1_000, timeoutMs: 2_000, tolerableFailures: 3 };
  const job = new ScriptedJob({ checkpoint, ...options });
  await job.attachAll();
  return job;
}

/** The next checkpoint is triggered; nobody has acknowledged it. */
async function pending(job: ScriptedJob): Promise<number> {
  const before = job.sources[0]!.triggers.length;
  await job.lines(10, "silent");
  await job.advance(1_000);
  expect(job.sources[0]!.triggers.length).toBeGreaterThan(before);
  return job.sources[0]!.triggers.at(-1)!.checkpoint;
}

async function acknowledgeBoth(job: ScriptedJob, id: number, name = `o${id}`): Promise<void> {
  for (const index of job.partitions.keys()) {
    const answer = await job.coordinator.acknowledge(
      job.withTables(index, id, [`${name}-${index}`]),
    );
    expect(answer).toEqual({ kind: "accepted" });
  }
  await job.context.idle();
  await job.advance(0);
}

it("testSuccessfulCheckpointSubsumesUnsuccessful, testCheckpointTimeoutIsolated: what a checkpoint that expired uploaded goes, and the next one completes", async () => {
  const job = await running();
  const first = await pending(job);
  await job.coordinator.acknowledge(job.withTables(0, first, ["expired"]));
  await job.advance(2_000);
  expect(await job.coordinator.checkpointDetail(first)).toMatchObject({ status: "FAILED" });
  const second = job.sources[0]!.triggers.at(-1)!.checkpoint;
  expect(second).toBe(first + 1);
  await acknowledgeBoth(job, second);
  expect(await job.latest()).toBe(second);
  await job.completeOne(second + 1);
  await job.advance(100);
  expect(job.bucket.blobs.has(job.path(0, "expired"))).toBe(false);
});

it("testHandleMessagesForNonExistingCheckpoints, testStateCleanupForLateOrUnknownMessages: what nobody waits for completes nothing and leaves no object", async () => {
  const job = await running();
  const id = await pending(job);
  const unknown = job.withTables(0, id + 2, ["unknown"]);
  expect((await job.coordinator.acknowledge(unknown)).kind).not.toBe("accepted");
  const foreign = { ...job.withTables(1, id, ["foreign"]), generation: 99 };
  expect((await job.coordinator.acknowledge(foreign)).kind).not.toBe("accepted");
  await job.coordinator.declineCheckpoint({
    task: task(0),
    generation: 1,
    attempt: job.attached[0]!.attempt,
    checkpoint: id + 7,
    reason: "IO_EXCEPTION",
    message: "of a checkpoint that does not exist",
  });
  expect(await job.latest()).toBe(0);
  await acknowledgeBoth(job, id);
  expect(await job.latest()).toBe(id);
  const late = job.withTables(0, id, ["late"]);
  const paths = ["unknown", "late"].map((name) => job.path(0, name));
  await job.attach(0);
  expect(await job.coordinator.acknowledge(late)).toEqual({ kind: "restore" });
  for (const next of [1, 2, 3]) await job.completeOne(id + next);
  await job.advance(100);
  for (const path of [...paths, job.path(1, "foreign")]) {
    expect([path, job.bucket.blobs.has(path)]).toEqual([path, false]);
  }
});

it("testTriggerAndDeclineCheckpointSimple, testTriggerAndDeclineCheckpointComplex: one task's decline ends the checkpoint for all, and a second decline changes nothing", async () => {
  const job = await running();
  const id = await pending(job);
  await job.coordinator.acknowledge(job.withTables(1, id, ["in-time"]));
  const { attempt } = job.attached[0]!;
  const decline = {
    task: task(0),
    generation: 1,
    attempt,
    checkpoint: id,
    reason: "IO_EXCEPTION",
    message: "The bucket refuses it.",
  } as const;
  await job.coordinator.declineCheckpoint(decline);
  await job.coordinator.declineCheckpoint(decline);
  await job.advance(10);
  expect(await job.coordinator.checkpointDetail(id)).toMatchObject({ status: "FAILED" });
  for (const one of [...job.sources, ...job.partitions]) {
    expect(one.told.filter((call) => call === `abort ${id}`)).toHaveLength(1);
  }
  const { counts } = await job.coordinator.checkpointStatistics();
  expect(counts).toMatchObject({ failed: 1, completed: 0 });
  expect(await job.coordinator.status()).toEqual({ status: "RUNNING" });
});

it("testExpiredCheckpointExceedsTolerableFailureNumber: the expiry beyond those tolerated restarts the job, one less does not", async () => {
  const job = await running({
    checkpoint: { intervalMs: 1_000, timeoutMs: 1_000, tolerableFailures: 2 },
  });
  await job.lines(10);
  const statuses: unknown[] = [];
  for (let failed = 1; failed <= 3;) {
    await job.advance(100);
    const { counts } = await job.coordinator.checkpointStatistics();
    if ((counts as { failed: number }).failed < failed) continue;
    statuses.push((await job.coordinator.status()).status);
    failed++;
  }
  expect(statuses).toEqual(["RUNNING", "RUNNING", "RESTARTING"]);
});

it("CheckpointFailureManager, testContinuousCheckpointFailure: a completed checkpoint forgets the failures before it", async () => {
  const job = await running({
    checkpoint: { intervalMs: 1_000, timeoutMs: 1_000, tolerableFailures: 1 },
  });
  for (let round = 0; round < 4; round++) {
    const expires = await pending(job);
    await job.advance(1_000);
    expect(await job.coordinator.checkpointDetail(expires)).toMatchObject({ status: "FAILED" });
    const next = job.sources[0]!.triggers.at(-1)!.checkpoint;
    expect(next).toBeGreaterThan(expires);
    await acknowledgeBoth(job, next);
    expect(await job.latest()).toBe(next);
  }
  expect(await job.coordinator.status()).toEqual({ status: "RUNNING" });
});

it("NotifyCheckpointAbortedITCase, testReportLatestCompletedCheckpointIdWithAbort: every task hears of the abort once, and the next barrier names the last completed one", async () => {
  const job = await running({ sources: 2 });
  await job.completeOne(1);
  const id = await pending(job);
  await job.advance(2_100);
  for (const one of [...job.sources, ...job.partitions]) {
    expect(one.told.filter((call) => call === `abort ${id}`)).toHaveLength(1);
  }
  for (const source of job.sources) {
    expect(source.triggers.at(-1)).toMatchObject({ checkpoint: id + 1, base: 1 });
  }
});

it("StreamCheckpointNotifierITCase: each completed checkpoint is told to each task exactly once, in order, and no other is", async () => {
  const job = await running({ sources: 2 });
  for (const id of [1, 2, 3]) await job.completeOne(id);
  const aborted = await pending(job);
  await job.advance(2_100);
  await acknowledgeBoth(job, aborted + 1);
  for (const one of [...job.sources, ...job.partitions]) {
    const completed = one.told.filter((call) => call.startsWith("complete "));
    expect(completed).toEqual([1, 2, 3, aborted + 1].map((id) => `complete ${id}`));
  }
});

it("IncrementalStateReuseAfterFailureITCase, testSharedStateNotDiscardedOnAbort: what a failed checkpoint had uploaded costs the one before it nothing", async () => {
  const job = await running();
  await job.completeOne(1, (index) => [`file1-${index}`]);
  const id = await pending(job);
  await job.coordinator.acknowledge(job.withTables(0, id, ["file1-0", "file2-0"], ["file2-0"]));
  const error = { name: "Error", message: "The first task is broken." };
  const { attempt } = job.attached[1]!;
  await job.coordinator.fail({ task: task(1), generation: 1, attempt, error });
  await job.advance(3_000);
  job.restart();
  await job.attachAll();
  for (const index of [0, 1]) {
    const { checkpoint, restored } = job.attached[index]!;
    expect(checkpoint).toBe(1);
    expect(restored.tables.map(({ path }) => path)).toHaveLength(1);
    for (const { path } of restored.tables) expect(job.bucket.blobs.has(path)).toBe(true);
  }
});

it("SharedStateRegistryTest: an object that two checkpoints list goes with the second, and one that nobody ever named is no error", async () => {
  const job = await running({ checkpoint: { intervalMs: 1_000, retained: 2 } });
  await job.completeOne(1, (index) => [`shared-${index}`]);
  await job.completeOne(2, (index) => [`shared-${index}`, `two-${index}`]);
  await job.completeOne(3, (index) => [`two-${index}`]);
  await job.advance(100);
  const shared = job.attached.map((_one, index) => job.path(index, `shared-${index}`));
  for (const path of shared) expect(job.bucket.blobs.has(path)).toBe(true);
  await job.completeOne(4, (index) => [`two-${index}`]);
  await job.advance(100);
  for (const path of shared) {
    expect(job.bucket.blobs.has(path)).toBe(false);
    expect(job.bucket.deleted.filter((one) => one === path)).toHaveLength(1);
  }
});

it("DefaultCompletedCheckpointStoreTest: the store keeps as many as are retained, deletes the oldest with their objects and nothing else, and has the same after a loss of memory", async () => {
  const job = await running({ checkpoint: { intervalMs: 1_000, retained: 3 } });
  const retained = async (): Promise<number[]> => {
    const found: number[] = [];
    for (let id = 1; id <= 6; id++) {
      if ((await job.coordinator.locateCheckpoint(id)).kind === "found") found.push(id);
    }
    return found;
  };
  for (const id of [1, 2, 3, 4, 5]) await job.completeOne(id);
  await job.advance(100);
  expect(await retained()).toEqual([3, 4, 5]);
  const needed = [3, 4, 5].flatMap((id) =>
    [0, 1].map((index) => job.path(index, `o${id}-${index}`)),
  );
  for (const id of [3, 4, 5]) {
    const located = await job.coordinator.locateCheckpoint(id);
    if (located.kind === "found") needed.push(located.path);
  }
  expect([...job.bucket.blobs.keys()].toSorted()).toEqual(needed.toSorted());
  job.restart();
  expect(await retained()).toEqual([3, 4, 5]);
  await job.attachAll();
  expect(job.attached.map(({ checkpoint }) => checkpoint)).toEqual([5, 5]);
});

/** As acknowledgeBoth, while deletions hang. */
async function completeWithout(job: ScriptedJob, names: readonly string[]): Promise<number> {
  const id = await pending(job);
  for (const index of job.partitions.keys()) {
    await job.coordinator.acknowledge(job.withTables(index, id, names));
  }
  await job.advance(100);
  return id;
}

it("CheckpointsCleanerTest: deletions that hang hold no checkpoint up, outlive the coordinator's memory, and are done in full and of nothing else", async () => {
  const job = await running();
  await job.completeOne(1, () => ["old"]);
  job.bucket.holdDeletes();
  expect(await completeWithout(job, ["second"])).toBe(2);
  expect(await completeWithout(job, ["third"])).toBe(3);
  expect(await job.latest()).toBe(3);
  expect(job.bucket.deleted).toEqual([]);
  // Whoever was deleting goes on as a zombie.
  job.restart();
  await job.attachAll();
  expect(await completeWithout(job, ["fourth"])).toBe(4);
  expect(await job.latest()).toBe(4);
  expect(job.bucket.deleted).toEqual([]);
  job.bucket.letDeletesGo();
  await job.advance(60_000);
  const located = await job.coordinator.locateCheckpoint(4);
  const needed = [0, 1].map((index) => job.path(index, "fourth"));
  if (located.kind === "found") needed.push(located.path);
  expect([...job.bucket.blobs.keys()].toSorted()).toEqual(needed.toSorted());
  expect(job.bucket.deleted.filter((path) => needed.includes(path))).toEqual([]);
});

it("testPeriodicTriggering, testStopPeriodicScheduler: a checkpoint at each interval while input comes, numbered without a gap, and none after a stop", async () => {
  const job = await running();
  const { triggers } = job.sources[0]!;
  const times: number[] = [];
  for (let id = 1; id <= 5; id++) {
    while (triggers.length < id) {
      await job.lines(1);
      await job.advance(100);
    }
    times.push(job.now);
    expect(triggers.at(-1)).toMatchObject({ checkpoint: id, base: id - 1 });
    await acknowledgeBoth(job, id);
  }
  expect(times.slice(1).map((time, index) => time - times[index]!)).toEqual(
    Array.from({ length: 4 }, () => 1_000),
  );
  await job.coordinator.stop({ drain: false, savepoint: false, cancel: true });
  await job.lines(10);
  await job.advance(30_000);
  expect(triggers).toHaveLength(5);
});

it("CheckpointRequestDeciderTest: requests wait together for one checkpoint, at some rows each, and one too many is refused at once", async () => {
  const job = await running({ checkpoint: { intervalMs: 0 } });
  await job.lines(10);
  const request = () => job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  const rowsBefore = job.context.storage.rowsWritten;
  const waiting = Array.from({ length: 100 }, request);
  await job.advance(10);
  expect(job.context.storage.rowsWritten - rowsBefore).toBeLessThan(100 * 10);
  const { sql } = job.context;
  const [row] = sql.exec<{ data: string }>("SELECT data FROM request LIMIT 1");
  for (let more = waiting.length; more < requestLimit; more++) {
    sql.exec("INSERT INTO request (id, data) VALUES (?, ?)", `more ${more}`, row!.data);
  }
  expect(await request()).toMatchObject({ kind: "unavailable", status: "RUNNING" });
  sql.exec("DELETE FROM request WHERE id LIKE 'more %'");
  await acknowledgeBoth(job, 1);
  for (const answer of await Promise.all(waiting)) {
    expect(answer).toMatchObject({ kind: "completed", detail: { id: 1 } });
  }
  await job.advance(10_000);
  expect(new Set(job.sources[0]!.triggers.map(({ checkpoint }) => checkpoint))).toEqual(
    new Set([1]),
  );
});

it("testCheckpointTriggeredWhileFailing, testTasksFinishDuringTriggering: a failure ends a trigger that is under way, and its number is not used again", async () => {
  const job = await running({ sources: 2 });
  job.sources[1]!.deaf = true;
  const id = await pending(job);
  const late = job.withTables(1, id, ["late"]);
  const error = { name: "Error", message: "The first task is broken." };
  const { attempt } = job.attached[0]!;
  await job.coordinator.fail({ task: task(0), generation: 1, attempt, error });
  expect(await job.coordinator.checkpointDetail(id)).toMatchObject({
    status: "FAILED",
    failure_reason: "JOB_FAILOVER_REGION",
  });
  job.sources[1]!.deaf = false;
  await job.advance(5_000);
  expect((await job.coordinator.acknowledge(late)).kind).not.toBe("accepted");
  await job.attachAll();
  expect(job.attached.map(({ checkpoint }) => checkpoint)).toEqual([0, 0]);
  const next = await pending(job);
  expect(next).toBeGreaterThan(id);
  await acknowledgeBoth(job, next);
  expect(await job.latest()).toBe(next);
});
