/** A deploy that names another bucket or prefix for the checkpoints: nothing is looked for in the wrong place. */
import { expect, it, test } from "vitest";
import { ScriptedJob } from "./scripted-job.ts";

const dayMs = 24 * 3_600_000;

/** A job whose checkpoint 1 is complete. */
async function running(): Promise<ScriptedJob> {
  const job = new ScriptedJob({ checkpoint: { intervalMs: 1_000 } });
  await job.attachAll();
  await job.completeOne(1);
  await job.advance(100);
  return job;
}

/** The coordinator wakes up with code that names this place. */
function deploy(job: ScriptedJob, place: { bucket?: string; storagePrefix?: string }): void {
  const { graph } = job;
  const checkpoint = { ...graph.options.checkpoint, bucket: "BUCKET", storagePrefix: "", ...place };
  job.graph = { ...graph, options: { ...graph.options, checkpoint } };
  job.restart();
}

async function status(job: ScriptedJob): Promise<string> {
  return (await job.coordinator.status()).status;
}

test.each([
  [{ bucket: "OTHER" }, 'checkpoint.bucket "OTHER" instead of "BUCKET"'],
  [{ storagePrefix: "other/" }, 'checkpoint.storagePrefix "other/" instead of ""'],
])(
  "[rule 12c] [CK15] a deploy with %j fails the job, and the earlier one goes on",
  async (place, what) => {
    const job = await running();
    const { attached, bucket } = job;
    const before = [...bucket.blobs.keys()];
    const calls = bucket.calls;
    deploy(job, place);
    const reason =
      `The job was deployed with ${what}, which is fixed while the job has state or a log: ` +
      `deploy the earlier value and start the job.`;
    expect(await status(job)).toBe("FAILED");
    expect(JSON.stringify(await job.coordinator.exceptions())).toContain(
      JSON.stringify(reason).slice(1, -1),
    );
    expect(await job.coordinator.start({ from: "latest" })).toEqual({ kind: "refused", reason });
    expect(await job.coordinator.scanOrphans({})).toEqual({ kind: "givenUp", reason });
    expect(await job.coordinator.locateCheckpoint(1)).toEqual({ kind: "elsewhere", reason });
    expect(await job.coordinator.readOutput({})).toMatchObject({ elsewhere: reason });
    await job.advance(2 * dayMs);
    expect(bucket.calls).toBe(calls);
    expect([...bucket.blobs.keys()]).toEqual(before);

    deploy(job, {});
    expect(await job.coordinator.start({ from: "latest" })).toMatchObject({ kind: "started" });
    const restored = await job.attach(0);
    expect(restored).toMatchObject({ checkpoint: 1, bucket: "BUCKET" });
    expect(restored.restored.tables).toHaveLength(1);
    expect(restored.pathPrefix).toBe(attached[0]!.pathPrefix);
    expect(await job.coordinator.locateCheckpoint(1)).toMatchObject({ kind: "found" });
    expect(await job.coordinator.readOutput({})).not.toHaveProperty("elsewhere");
  },
);

test.each([
  undefined,
  "coordinator: before wait for storage",
  "coordinator: after wait for storage",
])(
  "[rule 12c] deletes what was discarded meanwhile where it is, and once the earlier bucket is back, after a crash at %j",
  async (step) => {
    const job = await running();
    const before = [...job.bucket.blobs.keys()];
    expect(before).not.toEqual([]);
    deploy(job, { bucket: "OTHER" });
    if (step !== undefined) job.crashAt(step);
    await job.coordinator.stop({
      drain: false,
      savepoint: false,
      cancel: true,
      checkpoints: "delete",
    });
    await job.advance(dayMs);
    expect(job.crashes).toBe(step === undefined ? 0 : 1);
    expect([...job.bucket.blobs.keys()]).toEqual(before);
    expect(job.bucket.deleted).toEqual([]);
    deploy(job, {});
    await job.advance(700_000);
    expect([...job.bucket.blobs.keys()]).toEqual([]);
  },
);

it("[CK15] takes another place over while the job has neither state nor a log", async () => {
  const job = new ScriptedJob({ checkpoint: { intervalMs: 1_000 } });
  deploy(job, { bucket: "OTHER", storagePrefix: "other/" });
  expect(await status(job)).toBe("RUNNING");
  await job.attachAll();
  expect(job.attached[0]).toMatchObject({ bucket: "OTHER" });
  expect(job.attached[0]!.pathPrefix).toMatch(/^other\/words\//);
});

it("[CK15] knows that a job which recorded no place is in BUCKET", async () => {
  const job = await running();
  job.context.sql.exec("UPDATE job SET record = json_remove(record, '$.storage')");
  deploy(job, { bucket: "OTHER" });
  expect(await status(job)).toBe("FAILED");
  deploy(job, {});
  expect(await job.coordinator.start({ from: "latest" })).toMatchObject({ kind: "started" });
});
