/** Schedules of docs/protocol.md that need more than one checkpoint or a fault in the middle of one. */
import { expect, it } from "vitest";
import type { JsonObject } from "../../../durable-objects/coordinator-queries.ts";
import type { PersistedState } from "../../../state-engine/index.ts";
import { resolveChain, stateKey } from "../../../state-engine/index.ts";
import type { TableReference } from "../../../state-engine/version/table-reference.ts";
import { createNodeEnvironment } from "../../support/node-environment.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { openEngine, PLAIN_STATE } from "../../state-engine/engine-fixture.ts";
import { ScriptedJob, table } from "./scripted-job.ts";

async function running(options = {}): Promise<ScriptedJob> {
  const job = new ScriptedJob({
    checkpoint: { intervalMs: 1_000, tolerableFailures: 3 },
    ...options,
  });
  await job.attachAll();
  return job;
}

it("[rule 3d] a checkpoint completes with the lineage that lives on, never with an attempt that is gone", async () => {
  const job = await running();
  await job.completeOne(1);
  await job.lines(10, "silent");
  await job.advance(0);
  await job.coordinator.acknowledge(job.withTables(0, 2, ["old"]));
  const again = await job.attach(0);
  expect(again.restored.tables.map(({ path }) => path)).toEqual([job.path(0, "o1-0")]);
  await job.coordinator.acknowledge(job.withTables(1, 2, ["b"]));
  const late = job.withTables(0, 2, ["new"]);
  expect((await job.coordinator.acknowledge(late)).kind).toBe("refused");
  await job.context.idle();
  expect(await job.latest()).toBe(1);
  await job.advance(1_000);
  await job.coordinator.acknowledge(job.withTables(0, 3, ["new"], []));
  await job.coordinator.acknowledge(job.withTables(1, 3, ["b"], []));
  await job.context.idle();
  const restored = await job.attach(0);
  expect(restored.checkpoint).toBe(3);
  expect(restored.restored.tables.map(({ path }) => path)).toEqual([job.path(0, "new")]);
});

/** An acknowledgement that lists one table whose bytes travel in the manifest. */
async function acknowledgeInline(job: ScriptedJob, id: number, bytes: string): Promise<void> {
  const inline: TableReference = { ...table(job.path(0, "inline")), inline: btoa(bytes) };
  await job.coordinator.acknowledge(
    job.acknowledgement(0, id, {
      state: { tables: [inline], watermarks: {}, time: 0, sequence: id },
    }),
  );
  await job.coordinator.acknowledge(job.acknowledgement(1, id));
  await job.context.idle();
  await job.advance(100);
}

it("[rule 9c] a full manifest repeats the bytes of a live inline table, so that the older one can go", async () => {
  const job = await running({ checkpoint: { intervalMs: 0 } });
  await job.lines(10);
  const first = job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  await job.advance(10);
  await acknowledgeInline(job, 1, "ten bytes.");
  await first;
  const full = job.coordinator.requestCheckpoint({ mode: "full", waitMs: 30_000 });
  await job.advance(10);
  await acknowledgeInline(job, 2, "ten bytes.");
  expect((await full).kind).toBe("completed");
  const found = await job.coordinator.locateCheckpoint(2);
  if (found.kind !== "found") throw new Error("Checkpoint 2 is not retained.");
  expect([...job.bucket.blobs.keys()]).toEqual([found.path]);
  const { partitions } = await resolveChain(job.bucket, found.path, job.context.environment);
  expect(partitions[0]!.tables.map(({ inline }) => inline)).toEqual([btoa("ten bytes.")]);
});

it("[rule 9d] inline bytes stay bounded by what is live, however many small checkpoints there are", async () => {
  const job = await running({ parallelism: 1 });
  const random = new SeededRandom(9);
  const environment = createNodeEnvironment({ now: () => job.now, random });
  const engine = openEngine({ environment, blobStore: job.bucket, tuning: {} });
  let largestManifest = 0;
  for (let id = 1; id <= 40; id++) {
    for (let row = 0; row < 8; row++) {
      const key = stateKey(row, PLAIN_STATE, new TextEncoder().encode(`${id}-${row}`));
      engine.put(key, 0, key.length, randomBytes(random, 100), 0, 100);
    }
    await job.lines(10, "silent");
    await job.advance(0);
    const persisted = await engine.persist(engine.freeze(), {
      mode: "incremental",
      inlineLimitBytes: 20 * 1024,
    });
    await acknowledgeState(job, id, persisted);
    engine.confirm(persisted);
    while (await engine.maintain());
    const inline = persisted.tables.reduce((sum, one) => sum + (one.inline?.length ?? 0), 0);
    expect(inline).toBeLessThanOrEqual(
      Math.ceil((20 * 1024 * 4) / 3) + 4 * persisted.tables.length,
    );
    const found = await job.coordinator.locateCheckpoint(id);
    if (found.kind !== "found") throw new Error(`Checkpoint ${id} is not retained.`);
    largestManifest = Math.max(largestManifest, job.bucket.blobs.get(found.path)!.length);
  }
  expect(largestManifest).toBeLessThan(48 * 1024);
});

function randomBytes(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random.next() * 256));
}

async function acknowledgeState(
  job: ScriptedJob,
  id: number,
  { sequence, tables, uploads }: PersistedState & { readonly sequence?: number },
): Promise<void> {
  await job.coordinator.acknowledge(
    job.acknowledgement(0, id, {
      state: { tables, watermarks: {}, time: 0, sequence: sequence ?? id },
      uploads,
    }),
  );
  await job.context.idle();
  await job.advance(0);
  expect(await job.latest()).toBe(id);
}

it("[rule 10f] a sweep that is half way through while the job starts anew takes nothing the start needs", async () => {
  const job = await running({ checkpoint: { intervalMs: 0, retained: 2 } });
  for (const id of [1, 2, 3]) await requested(job, id, [`own${id}`, "shared"]);
  job.bucket.holdDeletes();
  await requested(job, 4, ["own4"]);
  const stop = job.coordinator.stop({ drain: false, savepoint: false });
  await job.advance(10);
  expect((await stop).kind).toBe("stopped");
  job.restart();
  expect((await job.coordinator.start({ from: { checkpoint: 3 } })).kind).toBe("started");
  job.bucket.letDeletesGo();
  await job.advance(60_000);
  await job.attachAll();
  for (const { path } of job.attached.flatMap(({ restored }) => restored.tables)) {
    expect(job.bucket.blobs.has(path)).toBe(true);
  }
  expect(job.bucket.deleted).toContain(job.path(0, "own2"));
});

it("[rule 10f] a start from a checkpoint with an object that is being deleted is refused", async () => {
  const job = await running({ checkpoint: { intervalMs: 0, retained: 2 } });
  for (const id of [1, 2]) await requested(job, id, [`own${id}`]);
  const stop = job.coordinator.stop({ drain: false, savepoint: false });
  await job.advance(10);
  await stop;
  job.context.sql.exec("UPDATE object SET dead = 1 WHERE path = ?", job.path(0, "own1"));
  const answer = await job.coordinator.start({ from: { checkpoint: 1 } });
  expect(answer).toMatchObject({ kind: "refused", reason: expect.stringContaining("deleted") });
  expect(await job.coordinator.status()).toEqual({ status: "STOPPED" });
});

/** One requested checkpoint in which every partition lists objects of these names. */
async function requested(job: ScriptedJob, id: number, names: readonly string[]): Promise<void> {
  await job.lines(10);
  const answer = job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  await job.advance(10);
  for (const index of job.partitions.keys()) {
    const fresh = names.filter((name) => !job.bucket.blobs.has(job.path(index, name)));
    await job.coordinator.acknowledge(job.withTables(index, id, names, fresh));
  }
  await job.advance(100);
  expect(await answer).toMatchObject({ kind: "completed", detail: { id } });
}

it("[rule 22d] a source that answered the trigger and died before its barriers left is asked again", async () => {
  const job = await running();
  await job.lines(10, "silent");
  await job.advance(0);
  expect(job.sources[0]!.triggers).toHaveLength(1);
  job.restart();
  await job.advance(12_000);
  expect(job.sources[0]!.triggers.length).toBeGreaterThan(1);
  expect(new Set(job.sources[0]!.triggers.map(({ checkpoint }) => checkpoint))).toEqual(
    new Set([1]),
  );
});

it("the state size of a partition that changed nothing is what it has", async () => {
  const job = await running();
  await job.completeOne(1);
  await job.lines(10, "silent");
  await job.advance(0);
  await job.coordinator.acknowledge(job.withTables(0, 2, ["o1-0", "more"], ["more"]));
  await job.coordinator.acknowledge(job.acknowledgement(1, 2));
  await job.context.idle();
  const detail = (await job.coordinator.checkpointDetail(2))!;
  expect(detail).toMatchObject({
    checkpoint_type: "CHECKPOINT",
    savepointFormat: null,
    state_size: 30,
    tasks: { counts: { status: "COMPLETED", state_size: 30, num_acknowledged_subtasks: 2 } },
  });
  const subtasks = await job.coordinator.checkpointSubtasks({ id: 2, vertex: "counts" });
  expect(subtasks).toMatchObject({
    subtasks: [{ state_size: 20 }, { state_size: 10 }],
    summary: { alignment: { duration: { max: 3 }, persisted: { max: 0 } } },
  });
});

it("the bill counts every row written, index rows and alarms included, and the bytes of manifests", async () => {
  const job = await running();
  const before = await operationsOf(job);
  const rowsBefore = job.context.storage.rowsWritten;
  for (let id = 1; id <= 5; id++) await job.completeOne(id);
  await job.advance(60_000);
  const counted = (await operationsOf(job))["rowsWritten"] as number;
  const changed = job.context.storage.rowsWritten - rowsBefore;
  expect(counted - (before["rowsWritten"] as number)).toBeGreaterThanOrEqual(changed);
  expect(counted).toBeLessThan(2 * job.context.storage.rowsWritten);
  const stored = [...job.bucket.blobs.values()].reduce((sum, { length }) => sum + length, 0);
  expect(await job.coordinator.cost()).toMatchObject({
    meters: { r2_storage: { quantity: stored / 1e9 } },
  });
});

async function operationsOf(job: ScriptedJob): Promise<JsonObject> {
  return (await job.coordinator.cost())["observed_operations"] as JsonObject;
}

it("[rule 13b] a start brings back how far event time was, from the manifest", async () => {
  const job = await running({ checkpoint: { intervalMs: 0 } });
  await job.lines(10);
  const answer = job.coordinator.requestCheckpoint({ waitMs: 30_000 });
  await job.advance(10);
  const state = { tables: [], watermarks: { 0: 90 }, watermark: 100, time: 5, sequence: 1 };
  for (const index of job.partitions.keys()) {
    await job.coordinator.acknowledge(job.acknowledgement(index, 1, { state }));
  }
  await answer;
  const stop = job.coordinator.stop({ drain: false, savepoint: false });
  await job.advance(10);
  expect((await stop).kind).toBe("stopped");
  expect((await job.coordinator.start({ from: "latest" })).kind).toBe("started");
  await job.attachAll();
  expect(job.attached[1]!.restored).toEqual(state);
});
