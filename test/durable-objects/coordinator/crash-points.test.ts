/**
 * A coordinator that crashes at every step it names, before and after, in the middle of a checkpoint:
 * it wakes up with its rows and its alarm, and the checkpoint ends all the same.
 */
import { expect, it } from "vitest";
import { ScriptedJob, survive } from "./scripted-job.ts";

/** What the tasks of a real job do about a call that broke: they ask again. */
async function persevere(job: ScriptedJob): Promise<void> {
  await survive(job.lines(10, "silent"));
  for (let round = 0; round < 4; round++) {
    await job.advance(3_000);
    const checkpoint = job.sources[0]!.triggers.at(-1)?.checkpoint;
    for (const index of job.partitions.keys()) {
      if (checkpoint === undefined) continue;
      await survive(job.coordinator.acknowledge(job.withTables(index, checkpoint, [`o${index}`])));
      await job.advance(3_000);
    }
    await job.advance(12_000);
    await survive(job.repeatReport());
  }
}

async function stepsOfOneCheckpoint(): Promise<readonly string[]> {
  const job = new ScriptedJob({ checkpoint: { intervalMs: 1_000 } });
  const steps: string[] = [];
  await job.attachAll();
  job.context.onCrashPoint = (name) => void steps.push(name);
  await job.lines(10, "silent");
  await job.advance(0);
  for (const index of job.partitions.keys()) {
    await job.coordinator.acknowledge(job.withTables(index, 1, [`o${index}`]));
  }
  await job.advance(10_000);
  return [...new Set(steps)];
}

it("[rule 22] [rule 33b] completes a checkpoint whatever step the coordinator crashes at", async () => {
  const steps = await stepsOfOneCheckpoint();
  expect(steps.length).toBeGreaterThan(15);
  for (const step of steps) {
    const job = new ScriptedJob({
      checkpoint: { intervalMs: 1_000, timeoutMs: 30_000, tolerableFailures: 3 },
    });
    await job.attachAll();
    job.crashAt(step);
    await persevere(job);
    const restored = await job.attach(0);
    const [object] = restored.restored.tables;
    await job.advance(60_000);
    expect({
      step,
      crashes: job.crashes,
      isCompleted: (await job.latest()) > 0,
      hasObject: job.bucket.blobs.has(object!.path),
      wasTold: job.sources[0]!.told.includes(`complete ${restored.checkpoint}`),
      alarm: job.context.alarm.get(),
    }).toEqual({
      step,
      crashes: 1,
      isCompleted: true,
      hasObject: true,
      wasTold: true,
      alarm: undefined,
    });
  }
});
