/** The orphan scan and the end of a job's checkpoints: what is deleted, and above all what is not. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { selectOrphans } from "../../../durable-objects/coordinator/select-orphans.ts";
import { ScriptedJob } from "./scripted-job.ts";

const dayMs = 24 * 3_600_000;

async function running(options = {}): Promise<ScriptedJob> {
  const job = new ScriptedJob({ checkpoint: { intervalMs: 1_000 }, ...options });
  await job.attachAll();
  return job;
}

function litter(job: ScriptedJob, name: string, writtenAt = 0): string {
  const path = job.path(0, name);
  job.bucket.blobs.set(path, new Uint8Array(3));
  job.bucket.writtenAt.set(path, writtenAt);
  return path;
}

it("[rule 10] deletes what nobody knows and keeps everything a retained checkpoint lists", async () => {
  const job = await running({ checkpoint: { intervalMs: 1_000, retained: 2 } });
  for (const id of [1, 2, 3]) await job.completeOne(id);
  const orphan = litter(job, "left behind");
  const manifest = orphan.replace(/counts-0.*/, "chk-99/manifest.json");
  job.bucket.blobs.set(manifest, new Uint8Array(1));
  const kept = [...job.bucket.blobs.keys()].filter((path) => ![orphan, manifest].includes(path));
  expect(await job.coordinator.scanOrphans({})).toEqual({
    kind: "scanned",
    listed: kept.length + 2,
    orphans: 2,
    orphanBytes: 4,
    young: 0,
    foreign: 0,
  });
  await job.advance(100);
  expect([...job.bucket.blobs.keys()]).toEqual(kept);
});

it("[rule 10d] keeps an upload that a partition has noted, and one too young to be sure", async () => {
  const job = await running();
  await job.completeOne(1);
  const spilled = litter(job, "spilled");
  const young = litter(job, "young", job.now - 1_000);
  job.partitions[0]!.noted = [spilled];
  expect(await job.coordinator.scanOrphans({})).toMatchObject({ orphans: 0, young: 1 });
  await job.advance(100);
  expect(job.bucket.blobs.has(spilled) && job.bucket.blobs.has(young)).toBe(true);
  expect(await job.coordinator.scanOrphans({ minimumAgeMs: 500 })).toMatchObject({ orphans: 1 });
});

it("[rule 10d] lists first, then asks for notes, then reads the registry", async () => {
  const job = await running();
  await job.completeOne(1);
  await job.lines(10, "silent");
  await job.advance(0);
  const path = litter(job, "on its way");
  job.partitions[1]!.noted = [];
  // Between the listing and the registry an acknowledgement names the object.
  job.partitions[1]!.beforeNotes = async () => {
    await job.coordinator.acknowledge(job.withTables(0, 2, ["on its way"]));
  };
  expect(await job.coordinator.scanOrphans({})).toMatchObject({ orphans: 0 });
  await job.coordinator.acknowledge(job.withTables(1, 2, ["b"]));
  await job.context.idle();
  await job.advance(100);
  expect(await job.latest()).toBe(2);
  expect(job.bucket.blobs.has(path)).toBe(true);
});

it("[rule 10] gives up and deletes nothing when a partition or the bucket does not answer", async () => {
  const job = await running();
  await job.completeOne(1);
  litter(job, "orphan");
  job.partitions[1]!.deaf = true;
  expect(await job.coordinator.scanOrphans({})).toMatchObject({ kind: "givenUp" });
  job.partitions[1]!.deaf = false;
  job.bucket.isDown = true;
  expect(await job.coordinator.scanOrphans({})).toMatchObject({ kind: "givenUp" });
  await job.advance(100);
  expect(job.bucket.deleted).toEqual([]);
});

it("[rule 10] gives up, loudly, when a retained manifest cannot be read", async () => {
  const job = await running();
  await job.completeOne(1);
  litter(job, "orphan");
  const found = await job.coordinator.locateCheckpoint(1);
  if (found.kind !== "found") throw new Error("Checkpoint 1 is not retained.");
  job.bucket.blobs.set(found.path, new TextEncoder().encode("{}"));
  expect(await job.coordinator.scanOrphans({})).toMatchObject({ kind: "givenUp" });
  expect(job.context.takeErrors()).toHaveLength(1);
  expect(job.bucket.deleted).toEqual([]);
});

it("an active job is scanned once a day, an idle one never", async () => {
  const job = await running();
  await job.completeOne(1);
  const orphan = litter(job, "orphan");
  await job.advance(3 * dayMs);
  expect(job.bucket.blobs.has(orphan)).toBe(true);
  await job.completeOne(2);
  await job.advance(100);
  expect(job.bucket.blobs.has(orphan)).toBe(false);
  const asked = (): number =>
    job.partitions[0]!.told.filter((one) => one === "notedUploads").length;
  await job.completeOne(3);
  await job.advance(2 * dayMs);
  expect(asked()).toBe(1);
  expect(job.context.alarm.get()).toBeUndefined();
});

it("never selects what is known, noted, young, or of a task that was not asked", () => {
  const name = fc.constantFrom("a", "b", "c", "d");
  const blob = fc.record({
    path: fc
      .tuple(fc.constantFrom("v-0/", "v-1/", "exports/"), name)
      .map((parts) => parts.join("")),
    size: fc.nat(),
    writtenAt: fc.integer({ min: 0, max: 100 }),
  });
  const paths = fc.array(blob.map(({ path }) => path)).map((some) => new Set(some));
  fc.assert(
    fc.property(fc.array(blob), paths, paths, (listed, known, noted) => {
      const { orphans } = selectOrphans({
        listed: listed.map((one) => ({ ...one, path: `job/${one.path}` })),
        jobPrefix: "job/",
        taskPrefixes: ["job/v-0/"],
        known: new Set([...known].map((path) => `job/${path}`)),
        noted: new Set([...noted].map((path) => `job/${path}`)),
        now: 100,
        minimumAgeMs: 50,
      });
      expect(orphans.map(({ path }) => path)).toEqual(
        listed
          .filter(({ path, writtenAt }) => {
            const isKept = known.has(path) || noted.has(path) || writtenAt > 50;
            return path.startsWith("v-0/") && !isKept;
          })
          .map(({ path }) => `job/${path}`),
      );
    }),
  );
});

it("a cancelled job stops at once and keeps its checkpoints unless told otherwise", async () => {
  const job = await running();
  await job.completeOne(1);
  await job.lines(10, "input");
  const cancel = { drain: false, savepoint: false, cancel: true };
  expect(await job.coordinator.stop(cancel)).toEqual({ kind: "stopped", checkpoint: 1 });
  await job.advance(60_000);
  expect(job.sources[0]!.told.at(-1)).toBe("enter 2 STOPPED");
  expect(job.bucket.deleted).toEqual([]);
  const deleted = await job.coordinator.stop({ ...cancel, checkpoints: "delete" });
  expect(deleted.kind).toBe("stopped");
  await job.advance(60_000);
  expect([...job.bucket.blobs.keys()]).toEqual([]);
  expect(job.context.alarm.get()).toBeUndefined();
  expect((await job.coordinator.start({ from: "latest" })).kind).toBe("gap");
  expect((await job.coordinator.start({ from: "empty" })).kind).toBe("started");
});

it("a job whose options say so loses its checkpoints on cancellation, but not on failure", async () => {
  const checkpoint = { intervalMs: 1_000, onCancellation: "delete" as const };
  const job = await running({ checkpoint, restart: { attempts: 1 } });
  await job.completeOne(1);
  for (let generation = 1; generation <= 2; generation++) {
    const error = { name: "Error", message: "again" };
    const { attempt } = job.attached[0]!;
    await job.coordinator.fail({
      task: { vertex: "counts", index: 0 },
      generation,
      attempt,
      error,
    });
    await job.advance(60_000);
    if (generation === 1) await job.attachAll();
  }
  expect(await job.coordinator.status()).toEqual({ status: "FAILED" });
  expect(job.bucket.deleted).toEqual([]);
  await job.coordinator.stop({ drain: false, savepoint: false, cancel: true });
  await job.advance(60_000);
  expect([...job.bucket.blobs.keys()]).toEqual([]);
});
