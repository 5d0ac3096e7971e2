/** What the coordinator makes of a task's wish to go back to the last checkpoint [6, 24]. */
import { expect, it } from "vitest";
import { attachLimit } from "../../../../durable-objects/coordinator/attach.ts";
import { ScriptedJob, task } from "../../coordinator/scripted-job.ts";

async function running(): Promise<ScriptedJob> {
  const job = new ScriptedJob({ checkpoint: { intervalMs: 0 } });
  await job.attachAll();
  return job;
}

it("[rule 6] raises the generation once, and tells every task", async () => {
  const job = await running();
  const { attempt, generation } = await job.attach(0);
  const request = { task: task(0), generation, attempt, reason: "Frames are lost." };
  expect(await job.coordinator.requestRollback(request)).toEqual({ generation: generation + 1 });
  // The answer was lost and the call is made again.
  expect(await job.coordinator.requestRollback(request)).toEqual({ generation: generation + 1 });
  await job.advance(100);
  for (const partition of job.partitions) {
    expect(partition.told).toContain(`enter ${generation + 1} RUNNING`);
  }
});

it("[rule 24] raises none for a task that has not attached in the present generation, or not as this attempt", async () => {
  const job = await running();
  const first = await job.attach(0);
  const other = await job.attach(1);
  const reason = "Frames are lost.";
  const { generation } = first;
  await job.coordinator.requestRollback({
    task: task(0),
    generation,
    attempt: first.attempt,
    reason,
  });
  const now = { generation: generation + 1 };
  // It wakes up, or hears of the generation only now, and finds the same damage.
  for (const claimed of [generation, generation + 1]) {
    const request = { task: task(1), generation: claimed, attempt: other.attempt, reason };
    expect(await job.coordinator.requestRollback(request)).toEqual(now);
  }
  const again = await job.attach(1);
  expect(again.generation).toBe(now.generation);
  const older = { task: task(1), generation: again.generation, attempt: other.attempt, reason };
  expect(await job.coordinator.requestRollback(older)).toEqual(now);
});

it("[rule 32] restarts the job with a back-off when it goes back again and again without a checkpoint", async () => {
  const job = await running();
  for (let round = 0; round <= attachLimit; round++) {
    const { attempt, generation } = await job.attach(0);
    await job.coordinator.requestRollback({
      task: task(0),
      generation,
      attempt,
      reason: "Frames are lost.",
    });
  }
  expect(await job.coordinator.status()).toMatchObject({ status: "RESTARTING" });
});
