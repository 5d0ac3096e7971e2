/** The levers of checkpoints, with Flink's meaning, and what external sinks and tasks have to say. */
import { expect, it } from "vitest";
import type { JsonObject } from "../../../durable-objects/coordinator-queries.ts";
import type { ExternalSink, SinkCommit } from "../../../durable-objects/coordinator/commits.ts";
import { resolveJobOptions } from "../../../dataflow/options.ts";
import { ScriptedJob, task } from "./scripted-job.ts";

async function running(options = {}, sinks: ExternalSink[] = []): Promise<ScriptedJob> {
  const job = new ScriptedJob({ checkpoint: { intervalMs: 1_000 }, ...options }, sinks);
  await job.attachAll();
  return job;
}

async function acknowledgeAll(job: ScriptedJob, id: number, output = false): Promise<void> {
  const results = {
    checkpoint: id,
    records: 1,
    data: { inline: new TextEncoder().encode(`${id}\n`) },
  };
  for (const index of job.partitions.keys()) {
    const more = output ? { output: [results] } : {};
    await job.coordinator.acknowledge(job.acknowledgement(index, id, more));
  }
  await job.context.idle();
  await job.advance(0);
}

it("the min pause counts from the end of the last completed checkpoint, whenever input came", async () => {
  const job = await running({ checkpoint: { intervalMs: 1_000, minPauseMs: 4_000 } });
  await job.lines(10, "silent");
  await job.advance(0);
  await job.lines(10, "silent");
  await job.advance(500);
  await acknowledgeAll(job, 1);
  await job.advance(3_900);
  expect(job.sources[0]!.triggers).toHaveLength(1);
  await job.advance(200);
  expect(job.sources[0]!.triggers).toHaveLength(2);
});

it("neither a request nor a log half full waits for the min pause", async () => {
  const job = await running({ checkpoint: { intervalMs: 1_000, minPauseMs: 60_000 } });
  await job.lines(10, "silent");
  await job.advance(0);
  await acknowledgeAll(job, 1);
  await job.lines(10);
  void job.coordinator.requestCheckpoint({ waitMs: 0 });
  await job.advance(10);
  expect(job.sources[0]!.triggers).toHaveLength(2);
  await acknowledgeAll(job, 2);
  await job.lines(10, "halfFull");
  await job.advance(10);
  expect(job.sources[0]!.triggers).toHaveLength(3);
});

it("only failures of the checkpoint itself count against those tolerated, with Flink's names", async () => {
  const job = await running({
    checkpoint: { intervalMs: 1_000, timeoutMs: 2_000, tolerableFailures: 0 },
  });
  await job.lines(10, "silent");
  await job.advance(0);
  await job.coordinator.acknowledge(job.acknowledgement(0, 1));
  await job.attach(0);
  expect(await job.coordinator.status()).toEqual({ status: "RUNNING" });
  expect(await job.coordinator.checkpointDetail(1)).toMatchObject({
    status: "FAILED",
    failure_reason: "TASK_CHECKPOINT_FAILURE",
    failure_message: expect.stringContaining("Task local checkpoint failure."),
  });
  await job.advance(3_300);
  expect(await job.coordinator.status()).toEqual({ status: "RESTARTING" });
  expect(await job.coordinator.checkpointDetail(2)).toMatchObject({
    failure_reason: "CHECKPOINT_EXPIRED",
  });
  expect((await job.coordinator.describeJob())["lastException"]).toMatchObject({
    exceptionName: "CheckpointException",
    checkpointFailureReason: "CHECKPOINT_EXPIRED",
  });
});

it("a stop gives the pending checkpoint up with the coordinator's shutdown, a restart with the failover's", async () => {
  const job = await running();
  await job.lines(10, "silent");
  await job.advance(0);
  const error = { name: "Error", message: "broken" };
  const { attempt } = job.attached[0]!;
  await job.coordinator.fail({ task: task(0), generation: 1, attempt, error });
  expect(await job.coordinator.checkpointDetail(1)).toMatchObject({
    failure_reason: "JOB_FAILOVER_REGION",
  });
  await job.advance(3_000);
  await job.attachAll();
  await job.lines(10, "silent");
  await job.advance(0);
  await job.coordinator.stop({ drain: false, savepoint: false, cancel: true });
  expect(await job.coordinator.checkpointDetail(2)).toMatchObject({
    failure_reason: "CHECKPOINT_COORDINATOR_SHUTDOWN",
  });
});

it("no checkpoint begins while too many old ones are still being deleted", async () => {
  const job = await running({ checkpoint: { intervalMs: 1_000, cleanupLimit: 1 } });
  await job.completeOne(1);
  await job.completeOne(2);
  job.bucket.holdDeletes();
  for (const id of [3, 4]) {
    await job.lines(10, "silent");
    await job.advance(0);
    for (const index of job.partitions.keys()) {
      await job.coordinator.acknowledge(job.withTables(index, id, [`o${id}`]));
    }
    await job.advance(100);
  }
  await job.lines(10, "silent");
  await job.advance(20_000);
  expect(job.sources[0]!.triggers.at(-1)).toMatchObject({ checkpoint: 4 });
  job.bucket.letDeletesGo();
  await job.advance(10_000);
  expect(job.sources[0]!.triggers.at(-1)).toMatchObject({ checkpoint: 5 });
});

it("a backlog has an interval of its own", async () => {
  const checkpoint = { intervalMs: 1_000, intervalDuringBacklogMs: 30_000 };
  const job = await running({ checkpoint });
  const [source] = job.sources;
  source!.accepted = 500_000;
  source!.processed = 10;
  await job.coordinator.sourceChanged({ report: source!.report(), reason: "input" });
  await job.advance(29_000);
  expect(source!.triggers).toHaveLength(0);
  await job.advance(1_100);
  expect(source!.triggers).toHaveLength(1);
});

it.each([
  [{ intervalDuringBacklogMs: 5 }, 'Option "checkpoint.intervalDuringBacklogMs" of job "j" is 5.'],
  [{ guarantee: "twice" }, 'Write "exactly-once" or "at-least-once".'],
  [{ onCancellation: "forget" }, 'Write "retain" or "delete".'],
  [{ cleanupLimit: 0 }, 'Option "checkpoint.cleanupLimit" of job "j" is 0.'],
])("checkpoint options %j are refused with what to write instead", (checkpoint, message) => {
  expect(() => resolveJobOptions("j", { checkpoint: checkpoint as object })).toThrow(message);
});

it("the configuration is told in Flink's shape", async () => {
  const job = await running({
    checkpoint: { guarantee: "at-least-once", minPauseMs: 7, onCancellation: "delete" },
  });
  expect(await job.coordinator.checkpointConfiguration()).toMatchObject({
    mode: "at_least_once",
    interval: 10_000,
    min_pause: 7,
    max_concurrent: 1,
    externalization: { enabled: true, delete_on_cancellation: true },
    checkpoints_after_tasks_finish: true,
  });
});

it("[rule 26b] a task's change calls for a checkpoint without input, once", async () => {
  const job = await running();
  await job.completeOne(1);
  await job.advance(60_000);
  const { attempt, generation } = job.attached[0]!;
  await job.coordinator.taskChanged({ task: task(0), generation: generation - 1, attempt });
  await job.advance(5_000);
  expect(job.sources[0]!.triggers).toHaveLength(1);
  await job.coordinator.taskChanged({ task: task(0), generation, attempt });
  await job.advance(1_000);
  expect(job.sources[0]!.triggers).toHaveLength(2);
  // Reported after the trigger: it may have come after the barrier, and needs the next one.
  await job.coordinator.taskChanged({ task: task(0), generation, attempt });
  await acknowledgeAll(job, 2);
  await job.advance(5_000);
  expect(job.sources[0]!.triggers.at(-1)).toMatchObject({ checkpoint: 3 });
  await acknowledgeAll(job, 3);
  await job.advance(60_000);
  expect(job.sources[0]!.triggers.at(-1)).toMatchObject({ checkpoint: 3 });
  expect(job.context.alarm.get()).toBeUndefined();
});

/** A sink that notes its commits and can refuse. */
class ScriptedSink implements ExternalSink {
  readonly name = "webhook";
  readonly layout = {};
  readonly done: { checkpoint: number; key: string; text: string }[] = [];
  attempts = 0;
  isDown = false;

  async commit({ checkpoint, key, output }: SinkCommit): Promise<void> {
    this.attempts++;
    if (this.isDown) throw new Error("The webhook answered 503.");
    const decoder = new TextDecoder();
    let text = "";
    for (const segment of output) {
      if (segment.kind !== "results" || !("inline" in segment.data)) continue;
      text += decoder.decode(segment.data.inline);
    }
    this.done.push({ checkpoint, key, text });
  }
}

it("[rule 19a] [rule 19c] a sink commits every checkpoint in order, again after a loss of memory, with the same key", async () => {
  const sink = new ScriptedSink();
  const job = await running({}, [sink]);
  sink.isDown = true;
  for (const id of [1, 2]) {
    await job.lines(10, "silent");
    await job.advance(0);
    await acknowledgeAll(job, id, true);
  }
  expect((await job.coordinator.describeJob())["sinks"]).toMatchObject({
    uncommittedCheckpoints: 2,
    lastError: "The webhook answered 503.",
    each: [{ name: "webhook", uncommittedCheckpoints: 2, lastError: "The webhook answered 503." }],
  });
  job.restart();
  sink.isDown = false;
  await job.advance(25_000);
  expect(sink.done.map(({ checkpoint, text }) => [checkpoint, text])).toEqual([
    [1, "1\n1\n"],
    [2, "2\n2\n"],
  ]);
  expect(new Set(sink.done.map(({ key }) => key)).size).toBe(2);
  await job.advance(60_000);
  expect(sink.done).toHaveLength(2);
});

it("[rule 36] what a sink cannot commit bounds the checkpoints, and goes on when it can", async () => {
  const sink = new ScriptedSink();
  const job = await running({ output: { uncommittedLimit: 2, retainMs: 60_000 } }, [sink]);
  sink.isDown = true;
  for (const id of [1, 2, 3]) {
    await job.lines(10, "silent");
    await job.advance(0);
    await acknowledgeAll(job, id, true);
  }
  await job.lines(10, "silent");
  await job.advance(24 * 3_600_000);
  expect(job.sources[0]!.triggers.at(-1)).toMatchObject({ checkpoint: 3 });
  expect(sink.attempts).toBeLessThan(400);
  sink.isDown = false;
  await job.advance(300_000);
  expect(sink.done.map(({ text }) => text)).toEqual(["1\n1\n", "2\n2\n", "3\n3\n"]);
  expect(job.sources[0]!.triggers.at(-1)).toMatchObject({ checkpoint: 4 });
});

it("a failed checkpoint's history and its restart carry what Flink's clients look for", async () => {
  const job = await running({ checkpoint: { intervalMs: 1_000, timeoutMs: 1_000 } });
  await job.lines(10, "silent");
  await job.advance(1_500);
  const { latest } = (await job.coordinator.checkpointStatistics()) as { latest: JsonObject };
  expect(latest["failed"]).toMatchObject({
    className: "failed",
    failure_message: expect.stringContaining("Checkpoint expired before completing."),
  });
});
