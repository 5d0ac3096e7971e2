/** Whole checkpoints with scripted tasks, by the rules of docs/protocol.md. */
import { expect, it } from "vitest";
import { ScriptedJob, task } from "./scripted-job.ts";

const everySecond = { checkpoint: { intervalMs: 1_000, tolerableFailures: 3 } };

async function running(options = {}): Promise<ScriptedJob> {
  const job = new ScriptedJob({ ...everySecond, ...options });
  await job.attachAll();
  return job;
}

it("[rule 10] a checkpoint is published, counted and told in order", async () => {
  const job = await running();
  await job.completeOne(1);
  const found = await job.coordinator.locateCheckpoint(1);
  if (found.kind !== "found") throw new Error("Checkpoint 1 is not retained.");
  expect(found.path).toMatch(/^words\/[0-9a-f]{16}\/chk-1\/manifest\.json$/);
  expect(job.bucket.blobs.has(found.path)).toBe(true);
  expect(job.sources[0]!.told).toContain("complete 1");
  expect(job.partitions[1]!.told).toContain("complete 1");
  const restored = await job.attach(0);
  expect(restored.restored.tables.map(({ path }) => path)).toEqual([job.path(0, "o1-0")]);
  expect(restored.sources).toEqual([{ source: 0, offset: 10, watermark: null }]);
  expect(restored.knownUploads).toEqual([job.path(0, "o1-0")]);
});

it("[rule 26] a completed checkpoint leaves an idle job silent: no alarm, no call, no row, no request of the bucket", async () => {
  const job = await running();
  await job.completeOne(1);
  await job.advance(60_000);
  expect(job.context.alarm.get()).toBeUndefined();
  const before = { rows: job.context.storage.rowsWritten, calls: job.bucket.calls };
  const told = job.sources[0]!.told.length;
  await job.advance(3_600_000);
  expect(job.context.storage.rowsWritten).toBe(before.rows);
  expect(job.bucket.calls).toBe(before.calls);
  expect(job.sources[0]!.told).toHaveLength(told);
});

it("[rule 26a] whether something changed is judged against the last completed one, not the last triggered", async () => {
  const job = await running({
    checkpoint: { intervalMs: 1_000, timeoutMs: 2_000, tolerableFailures: 3 },
  });
  await job.lines(10);
  await job.advance(1_000);
  expect(job.sources[0]!.triggers).toHaveLength(1);
  await job.advance(5_000);
  expect(job.sources[0]!.told).toContain("abort 1");
  expect(job.sources[0]!.triggers.at(-1)).toMatchObject({ checkpoint: 2, base: 0 });
});

it("[CK11] a checkpoint fails with the reason when a partition lists more tables than a row can hold", async () => {
  const job = await running();
  await job.lines(10, "silent");
  await job.advance(0);
  const one = job.withTables(0, 1, ["a"]);
  const tables = Array.from({ length: 3_000 }, (_, index) => ({
    ...one.state!.tables[0]!,
    id: `${job.path(0, "a")}#${index}`,
    smallestKey: "61".repeat(256),
  }));
  const state = { ...one.state!, tables };
  await expect(job.coordinator.acknowledge({ ...one, state })).resolves.toEqual({
    kind: "refused",
  });
  await job.context.idle();
  const { latest } = (await job.coordinator.checkpointStatistics()) as {
    latest: { failed: { id: number; failure_reason: string; failure_message: string } };
  };
  expect(latest.failed).toMatchObject({ id: 1, failure_reason: "FINALIZE_CHECKPOINT_FAILURE" });
  expect(latest.failed.failure_message).toMatch(
    /The state of partition counts\/0 takes \d+ bytes to describe.*: raise the job's parallelism\.$/,
  );
  // What it uploaded is registered, so that the next checkpoint may list it.
  await job.advance(1_000);
  await job.coordinator.acknowledge(job.withTables(0, 2, ["a"], []));
  await job.coordinator.acknowledge(job.withTables(1, 2, ["b"]));
  await job.context.idle();
  await job.advance(0);
  expect(await job.latest()).toBe(2);
});

it("[rule 4a] the coordinator never uses an id twice, whatever is lost", async () => {
  const job = await running({
    checkpoint: { intervalMs: 1_000, timeoutMs: 2_000, tolerableFailures: 3 },
  });
  await job.lines(10);
  await job.advance(1_000);
  job.restart();
  await job.advance(3_000);
  job.restart();
  await job.advance(3_000);
  const ids = job.sources[0]!.triggers.map(({ checkpoint }) => checkpoint);
  expect(new Set(ids).size).toBeGreaterThan(1);
  expect(ids).toEqual(ids.toSorted((left, right) => left - right));
});

it("[rule 22a] the coordinator keeps acknowledgements over a loss of memory", async () => {
  const job = await running();
  await job.lines(10, "silent");
  await job.advance(0);
  await job.coordinator.acknowledge(job.withTables(0, 1, ["a"]));
  job.restart();
  await job.coordinator.acknowledge(job.withTables(1, 1, ["b"]));
  await job.context.idle();
  expect(await job.latest()).toBe(1);
});

it("[rule 22b] the coordinator repeats the trigger to a source until it has answered", async () => {
  const job = await running({ sources: 2 });
  job.sources[1]!.deaf = true;
  await job.lines(10, "silent");
  await job.advance(1_000);
  expect(job.sources[1]!.triggers).toHaveLength(0);
  job.restart();
  job.sources[1]!.deaf = false;
  await job.advance(3_000);
  expect(job.sources[1]!.triggers[0]).toMatchObject({ checkpoint: 1 });
});

it("[CK7] [rule 22] the coordinator tells every task of an abort until it has answered", async () => {
  const job = await running({
    checkpoint: { intervalMs: 0, timeoutMs: 2_000, tolerableFailures: 3 },
  });
  job.partitions[1]!.deaf = true;
  await job.lines(10, "halfFull");
  await job.advance(2_500);
  expect(job.partitions[0]!.told).toContain("abort 1");
  job.partitions[1]!.deaf = false;
  job.restart();
  await job.advance(120_000);
  expect(job.partitions[1]!.told).toContain("abort 1");
});

it("[rule 24] a checkpoint is triggered soon after the input falls silent, min pause respected", async () => {
  const job = await running({ checkpoint: { intervalMs: 60_000, minPauseMs: 3_000 } });
  await job.completeOne(1);
  await job.lines(5, "silent");
  await job.advance(2_900);
  expect(job.sources[0]!.triggers).toHaveLength(1);
  await job.advance(200);
  expect(job.sources[0]!.triggers).toHaveLength(2);
});

it("[rule 25] a checkpoint is triggered by a half full log whatever the interval, and by nothing else at interval 0", async () => {
  const job = await running({ checkpoint: { intervalMs: 0 } });
  await job.lines(10, "input");
  await job.lines(10, "silent");
  await job.advance(3_600_000);
  expect(job.sources[0]!.triggers).toHaveLength(0);
  await job.lines(1, "halfFull");
  await job.advance(0);
  expect(job.sources[0]!.triggers).toHaveLength(1);
});

it("[rule 3a] [rule 3b] an attach aborts the pending checkpoint that an earlier attempt acknowledged, and keeps its objects", async () => {
  const job = await running();
  await job.completeOne(1);
  await job.lines(10, "silent");
  await job.advance(0);
  await job.coordinator.acknowledge(job.withTables(0, 2, ["o2-0"]));
  const again = await job.attach(0);
  expect(again.checkpoint).toBe(1);
  expect(again.knownUploads).toContain(job.path(0, "o2-0"));
  await job.coordinator.acknowledge(job.withTables(1, 2, ["o2-1"]));
  await job.advance(0);
  expect(await job.latest()).toBe(1);
  expect(job.bucket.blobs.has(job.path(0, "o1-0"))).toBe(true);
  await job.advance(1_000);
  expect(job.sources[0]!.triggers.at(-1)).toMatchObject({ checkpoint: 3, base: 1 });
});

it("[rule 3] an attach lets a pending checkpoint go on that the task had not acknowledged", async () => {
  const job = await running();
  await job.lines(10, "silent");
  await job.advance(0);
  await job.attach(0);
  await job.coordinator.acknowledge(job.withTables(0, 1, ["a"]));
  await job.coordinator.acknowledge(job.withTables(1, 1, ["b"]));
  await job.context.idle();
  expect(await job.latest()).toBe(1);
});

it("[rule 3e] sends a zombie to attach anew and deletes what it uploaded [rule 37]", async () => {
  const job = await running();
  await job.lines(10, "silent");
  await job.advance(0);
  const zombie = job.withTables(0, 1, ["zombie"]);
  await job.attach(0);
  expect(await job.coordinator.acknowledge(zombie)).toEqual({ kind: "restore" });
  await job.advance(0);
  expect(job.bucket.deleted).toEqual([job.path(0, "zombie")]);
});

it("[rule 3c] keeps the log back to the oldest retained checkpoint", async () => {
  const job = await running({ checkpoint: { intervalMs: 1_000, retained: 2 } });
  await job.completeOne(1);
  await job.completeOne(2);
  expect(job.sources[0]!.firstKept).toBe(10);
  await job.completeOne(3);
  expect(job.sources[0]!.firstKept).toBe(20);
});

it("[rule 3] refuses an acknowledgement that names an object nobody registered, and has the task restore", async () => {
  const job = await running();
  await job.lines(10, "silent");
  await job.advance(0);
  const answer = await job.coordinator.acknowledge(job.withTables(0, 1, ["unknown"], []));
  expect(answer).toEqual({ kind: "restore" });
});

it("[rule 5] [rule 24] rolls the job back once for a deploy and lets older code wait", async () => {
  const job = await running();
  await job.completeOne(1);
  const first = await job.attach(0, "next");
  const second = await job.attach(1, "next");
  expect([first.generation, second.generation]).toEqual([2, 2]);
  job.restart({ codeVersion: "next" });
  const old = await job.coordinator.attachPartition({ task: task(0), codeVersion: "test" });
  expect(old).toMatchObject({ kind: "wait", status: "RESTARTING" });
  await job.advance(10);
  expect(job.sources[0]!.told).toContain("enter 2 RUNNING");
});

it("[rule 24] ignores the failure of a task that has not attached in this generation", async () => {
  const job = await running();
  const error = { name: "Error", message: "late" };
  const failure = { task: task(0), generation: 1, attempt: 1, error };
  await job.coordinator.fail(failure);
  expect((await job.coordinator.topology()).generation).toBe(2);
  await job.coordinator.fail(failure);
  expect((await job.coordinator.topology()).generation).toBe(2);
});

it("[rule 32b] counts attaches without a completed checkpoint and fails a crash loop", async () => {
  const job = await running({ checkpoint: { intervalMs: 0 } });
  await job.lines(10);
  for (let count = 0; count < 10; count++) await job.attach(0);
  const answer = await job.coordinator.attachPartition({ task: task(0), codeVersion: "test" });
  expect(answer).toMatchObject({ kind: "wait", status: "RESTARTING" });
  const { exceptionHistory } = (await job.coordinator.exceptions()) as {
    exceptionHistory: { entries: { exceptionName: string }[] };
  };
  expect(exceptionHistory.entries[0]?.exceptionName).toBe("CrashLoop");
});

it("[rule 32] does not count wake-ups of an idle job", async () => {
  const job = await running();
  await job.completeOne(1);
  for (let count = 0; count < 30; count++) await job.attach(0);
  expect(await job.coordinator.status()).toEqual({ status: "RUNNING" });
});

it("[rule 34] [rule 10] deletes what a completed checkpoint dropped, once nothing retained lists it", async () => {
  const job = await running({ checkpoint: { intervalMs: 1_000, retained: 2 } });
  await job.completeOne(1, (index) => [`a${index}`]);
  await job.completeOne(2, (index) => [`a${index}`, `b${index}`]);
  await job.completeOne(3, (index) => [`c${index}`]);
  await job.advance(100);
  expect(job.bucket.blobs.has(job.path(0, "a0"))).toBe(true);
  await job.completeOne(4, (index) => [`c${index}`]);
  await job.advance(100);
  expect(job.bucket.blobs.has(job.path(0, "a0"))).toBe(false);
  expect(job.bucket.blobs.has(job.path(0, "c0"))).toBe(true);
});

it("[rule 9a] [rule 9b] keeps a manifest as long as a retained checkpoint reaches it", async () => {
  const job = await running();
  const first = (index: number): string[] => [`a${index}`, `b${index}`, `c${index}`];
  await job.completeOne(1, first);
  await job.completeOne(2, (index) => [...first(index), `d${index}`]);
  await job.advance(100);
  const prefix = job.attached[0]!.pathPrefix.split("/").slice(0, 2).join("/");
  expect(job.bucket.blobs.has(`${prefix}/chk-1/manifest.json`)).toBe(true);
  expect(await job.coordinator.locateCheckpoint(1)).toEqual({ kind: "gone" });
  for (let id = 3; id <= 12; id++)
    await job.completeOne(id, (index) => [...first(index), `${id}x${index}`]);
  await job.advance(100);
  expect(job.bucket.blobs.has(`${prefix}/chk-1/manifest.json`)).toBe(false);
});

it("[rule 10e] lets a task list the object of an aborted checkpoint again", async () => {
  const job = await running({
    checkpoint: { intervalMs: 1_000, timeoutMs: 2_000, tolerableFailures: 3 },
  });
  await job.lines(10, "silent");
  await job.advance(0);
  await job.coordinator.acknowledge(job.withTables(0, 1, ["spilled"]));
  await job.advance(4_000);
  await job.coordinator.acknowledge(job.withTables(0, 2, ["spilled"], []));
  await job.coordinator.acknowledge(job.withTables(1, 2, ["other"]));
  await job.context.idle();
  expect(await job.latest()).toBe(2);
  await job.completeOne(3, (index) => (index === 0 ? ["spilled"] : ["other"]));
  expect(job.bucket.blobs.has(job.path(0, "spilled"))).toBe(true);
});

it("[rule 10] objects of an aborted checkpoint go once the job is rolled back, without waiting for another checkpoint", async () => {
  const job = await running({
    checkpoint: { intervalMs: 1_000, timeoutMs: 2_000, tolerableFailures: 3 },
  });
  await job.lines(10, "silent");
  await job.advance(0);
  job.bucket.blobs.set(job.path(0, "spilled"), new Uint8Array(1));
  await job.coordinator.acknowledge(job.withTables(0, 1, ["spilled"]));
  await job.advance(2_500);
  expect(job.bucket.blobs.has(job.path(0, "spilled"))).toBe(true);
  const { attempt, generation } = await job.attach(0);
  await job.coordinator.requestRollback({
    task: task(0),
    generation,
    attempt,
    reason: "Another partition lost what it had been sent.",
  });
  await job.advance(1_000);
  expect(job.bucket.blobs.has(job.path(0, "spilled"))).toBe(false);
});

it("[rule 33a] takes its own manifest for its own after an answer was lost", async () => {
  const job = await running();
  job.bucket.nextPut = "written, answer lost";
  await job.completeOne(1);
  expect(job.bucket.puts).toHaveLength(1);
});

it("[rule 33] repeats a put of the same bytes when nothing is there", async () => {
  const job = await running();
  job.bucket.nextPut = "lost";
  await job.lines(10, "silent");
  await job.advance(0);
  await job.coordinator.acknowledge(job.withTables(0, 1, ["a"]));
  await job.coordinator.acknowledge(job.withTables(1, 1, ["b"]));
  await job.context.idle();
  expect(await job.latest()).toBe(0);
  job.restart();
  await job.advance(10_000);
  expect(await job.latest()).toBe(1);
  expect(new Set(job.bucket.puts).size).toBe(1);
});

it("[rule 33b] deletes the manifest of a checkpoint given up while it was published, twice", async () => {
  const job = await running();
  job.bucket.nextPut = "lost";
  await job.lines(10, "silent");
  await job.advance(0);
  await job.coordinator.acknowledge(job.withTables(0, 1, ["a"]));
  await job.coordinator.acknowledge(job.withTables(1, 1, ["b"]));
  await job.context.idle();
  const manifest = job.bucket.puts[0]!;
  await job.attach(0);
  await job.advance(100);
  expect(job.bucket.deleted).toContain(manifest);
  job.bucket.blobs.set(manifest, new Uint8Array(1));
  await job.advance(1_200_000);
  expect(job.bucket.blobs.has(manifest)).toBe(false);
});

it("[rule 33a] gives a checkpoint up whose place somebody else's object has, keeps that object, and completes the next", async () => {
  const job = await running();
  const prefix = job.attached[0]!.pathPrefix.split("/").slice(0, 2).join("/");
  const taken = `${prefix}/chk-1/manifest.json`;
  job.bucket.blobs.set(taken, new TextEncoder().encode("foreign"));
  await job.lines(10, "silent");
  await job.advance(0);
  for (const [index, object] of ["a", "b"].entries()) {
    await job.coordinator.acknowledge(job.withTables(index, 1, [object]));
  }
  await job.context.idle();
  expect(await job.latest()).toBe(0);
  const { latest } = (await job.coordinator.checkpointStatistics()) as {
    latest: { failed: { id: number; failure_reason: string; failure_message: string } };
  };
  expect(latest.failed).toMatchObject({ id: 1, failure_reason: "FINALIZE_CHECKPOINT_FAILURE" });
  expect(latest.failed.failure_message).toContain(taken);
  await job.advance(60_000);
  await job.completeOne(2, (index) => [["a", "b"][index]!]);
  expect(await job.latest()).toBe(2);
  await job.advance(60_000);
  expect(new TextDecoder().decode(job.bucket.blobs.get(taken))).toBe("foreign");
});
