/** What the coordinator makes of checkpoints whose barriers overtook frames. */
import { expect, it } from "vitest";
import type { PartitionState } from "../../../durable-objects/messages.ts";
import { ScriptedJob, task } from "./scripted-job.ts";

const STATE: PartitionState = { tables: [], watermarks: {}, time: 0, sequence: 1 };

async function running(retained = 1): Promise<ScriptedJob> {
  const job = new ScriptedJob({
    checkpoint: { intervalMs: 10_000, retained, unaligned: { alignmentTimeoutMs: 250 } },
  });
  await job.attachAll();
  return job;
}

/** Every partition acknowledges what is pending; the first one with an object of in-flight frames. */
async function acknowledge(job: ScriptedJob, object?: string): Promise<number> {
  const { checkpoint } = job.sources[0]!.triggers.at(-1)!;
  for (const index of job.partitions.keys()) {
    const plain = job.acknowledgement(index, checkpoint, {
      state: { ...STATE, sequence: checkpoint },
    });
    if (index > 0 || object === undefined) {
      await job.coordinator.acknowledge(plain);
      continue;
    }
    const data = { path: job.path(0, object), size: 30 };
    job.bucket.blobs.set(data.path, new Uint8Array(data.size));
    const inFlight = { frames: 2, bytes: 20, data };
    const metrics = { ...plain.metrics, isUnaligned: true, processedBytes: 7, persistedBytes: 20 };
    const state = { ...STATE, sequence: checkpoint, inFlight };
    await job.coordinator.acknowledge({ ...plain, state, uploads: [data], metrics });
  }
  await job.context.idle();
  return checkpoint;
}

it("says in Flink's names what is configured", async () => {
  const job = await running();
  expect(await job.coordinator.checkpointConfiguration()).toMatchObject({
    unaligned_checkpoints: true,
    aligned_checkpoint_timeout: 250,
  });
});

it("tells sources how long barriers wait, says what a checkpoint held in flight, and takes another one for it", async () => {
  const job = await running();
  await job.lines(10, "halfFull");
  await job.advance(0);
  expect(job.sources[0]!.triggers.at(-1)).toMatchObject({ alignmentTimeoutMs: 250 });
  const first = await acknowledge(job, "frames");
  expect(await job.coordinator.checkpointDetail(first)).toMatchObject({
    status: "COMPLETED",
    checkpoint_type: "UNALIGNED_CHECKPOINT",
    processed_data: 7,
    persisted_data: 20,
  });
  const { restored } = await job.attach(0);
  expect(restored.inFlight).toMatchObject({ frames: 2 });

  // No line comes, and what was in flight is still to be checkpointed.
  await job.advance(10_000);
  const second = await acknowledge(job);
  expect(second).toBeGreaterThan(first);
  expect(await job.latest()).toBe(second);
  expect((await job.attach(0)).restored.inFlight).toBeUndefined();
  await job.advance(60_000);
  expect(job.bucket.blobs.has(job.path(0, "frames"))).toBe(false);
  expect(job.sources[0]!.triggers.at(-1)!.checkpoint).toBe(second);
});

it("takes another checkpoint after a start from an older one that holds something in flight, without a line", async () => {
  const job = await running(2);
  await job.lines(10, "halfFull");
  await job.advance(0);
  const first = await acknowledge(job, "frames");
  await job.advance(10_000);
  const second = await acknowledge(job);
  await job.coordinator.stop({ drain: false, savepoint: false, cancel: true });
  const started = await job.coordinator.start({ from: { checkpoint: first } });
  expect(started).toMatchObject({ kind: "started" });
  await job.attachAll();
  expect((await job.attach(0)).restored.inFlight).toMatchObject({ frames: 2 });
  await job.advance(10_000);
  expect(await acknowledge(job)).toBeGreaterThan(second);
  expect(await job.latest()).toBeGreaterThan(second);
});

it("[CK10] stops a job only with a checkpoint that is aligned", async () => {
  const job = await running();
  await job.lines(10, "halfFull");
  await job.advance(0);
  const stopping = job.coordinator.stop({ drain: true, savepoint: false });
  await acknowledge(job, "frames");
  await job.advance(5_000);
  expect(await job.coordinator.status()).toEqual({ status: "RUNNING" });
  const { alignmentTimeoutMs } = job.sources[0]!.triggers.at(-1)!;
  expect(alignmentTimeoutMs).toBeUndefined();
  const last = await acknowledge(job);
  await job.advance(1_000);
  expect(await stopping).toEqual({ kind: "stopped", checkpoint: last });
});

it("[CK11] gives a checkpoint up at once that a task declines, whoever it was before counts for nothing", async () => {
  const job = await running();
  await job.lines(10, "halfFull");
  await job.advance(0);
  const { checkpoint } = job.sources[0]!.triggers.at(-1)!;
  const { attempt, generation } = job.attached[0]!;
  const said = { task: task(0), generation, checkpoint, message: "The table is damaged." } as const;
  const reason = "CHECKPOINT_ASYNC_EXCEPTION";
  await job.coordinator.declineCheckpoint({ ...said, attempt: attempt - 1, reason });
  expect(await job.coordinator.checkpointDetail(checkpoint)).toMatchObject({
    status: "IN_PROGRESS",
  });
  await job.coordinator.declineCheckpoint({ ...said, attempt, reason });
  expect(await job.coordinator.checkpointDetail(checkpoint)).toMatchObject({
    status: "FAILED",
    failure_reason: reason,
    failure_message: expect.stringContaining("The table is damaged."),
  });
});
