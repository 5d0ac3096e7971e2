/** The partition against the rules of docs/protocol.md, one schedule at a time. */
import { expect, it } from "vitest";
import { StateEngineError } from "../../../state-engine/index.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { drainMicrotasks } from "../../support/manual-clock.ts";
import { countFrame, PartitionHarness, stateOf } from "./partition-harness.ts";

it("[rule 1] repositions a source that lost its memory and cut larger frames, and counts nothing twice", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  await harness.frame([0, 500], { a: 500 });
  await harness.frame([500, 600], { a: 100 });
  // The source woke up: one frame for what was two, and more.
  const answer = await harness.frame([0, 1000], { a: 1000 });
  expect(answer).toMatchObject({
    kind: "reposition",
    channel: { position: { line: 600, record: 0 }, attempt: 1 },
  });
  expect(await harness.count("a")).toBe(600);
  expect(await harness.frame([600, 1000], { a: 400 })).toMatchObject({ kind: "done" });
  expect(await harness.count("a")).toBe(1000);
});

it("[rule 1] drops a frame it has wholly, and refuses one that leaves a gap or overlaps", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  await harness.frame([0, 600], { a: 600 });
  expect(await harness.frame([100, 600], { a: 500 })).toMatchObject({ kind: "done" });
  expect(await harness.frame([400, 999], { a: 599 })).toMatchObject({ kind: "reposition" });
  expect(await harness.frame([601, 999], { a: 398 })).toMatchObject({ kind: "reposition" });
  expect(await harness.count("a")).toBe(600);
});

it("[rule 1] positions a frame within a line that gave more records than fit in one", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  const middle = { line: 0, record: 7 };
  expect(await harness.frame([0, middle], { a: 7 })).toMatchObject({ kind: "done" });
  expect(await harness.frame([0, 1], { a: 10 })).toMatchObject({
    kind: "reposition",
    channel: { position: middle },
  });
  expect(await harness.frame([middle, 1], { a: 3 })).toMatchObject({ kind: "done" });
  expect(await harness.count("a")).toBe(10);
});

it("[rule 1] refuses what was sent before the channel was opened anew, however late it arrives", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  await harness.frame([0, 50], { a: 50 });
  const earlier = harness.fence(0);
  // The source woke up and fixes an offset at 50: a frame of its last lifetime must not lead beyond.
  expect(await harness.openChannel(0)).toMatchObject({ channel: { position: { line: 50 } } });
  expect(await harness.frame([50, 97], { a: 47 }, earlier)).toEqual({
    kind: "notReady",
    retryAfterMs: 0,
  });
  expect(await harness.barrier(1, 50, earlier)).toMatchObject({ kind: "notReady" });
  expect(await harness.barrier(1, 50)).toMatchObject({ kind: "done" });
  expect(await harness.count("a")).toBe(50);
});

it("[rule 2] refuses a frame whose barrier was lost on the way, until the barrier came or its checkpoint is over", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  const behind = { afterBarrier: 1 };
  expect(await harness.frame([0, 1], { a: 1 }, behind)).toMatchObject({
    kind: "reposition",
    channel: { position: { line: 0, record: 0 }, lastBarrier: 0 },
  });
  await harness.barrier(1, 0);
  expect(await harness.frame([0, 1], { a: 1 }, behind)).toMatchObject({ kind: "done" });
  const { generation } = harness;
  await harness.task.abortCheckpoint({ generation, checkpoint: 2 });
  const afterAborted = await harness.frame([1, 2], { a: 1 }, { afterBarrier: 2 });
  expect(afterAborted).toMatchObject({ kind: "done" });
  expect(await harness.count("a")).toBe(2);
});

it("[rule 3] restores the completed checkpoint under a new attempt and refuses calls meant for the old one", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  await harness.frame([0, 100], { a: 100 });
  await harness.barrier(5, 100);
  await harness.complete(5, [100]);
  await harness.frame([100, 200], { a: 100 });
  await harness.barrier(6, 200);
  harness.restart();
  const zombie = harness.fence(0);
  harness.furthest = { line: 200, record: 0 };
  expect(await harness.openChannel(0)).toMatchObject({
    channel: { attempt: 2, position: { line: 100, record: 0 }, lastBarrier: 5 },
  });
  expect(harness.rewinds.at(-1)).toMatchObject({ attempt: 2 });
  expect(await harness.frame([100, 200], { a: 100 }, zombie)).toMatchObject({ kind: "notReady" });
  expect(await harness.barrier(6, 100, zombie)).toMatchObject({ kind: "notReady" });
  await harness.frame([100, 200], { a: 100 });
  expect(await harness.count("a")).toBe(200);
});

it("[rule 3] acknowledges nothing for an attempt that lost its memory", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  await harness.frame([0, 1], { a: 1 });
  harness.onAcknowledge = () => Promise.reject(new Error("lost"));
  const barrier = harness.barrier(1, 1);
  await drainMicrotasks();
  await harness.task.enter({ generation: harness.generation + 1, status: "RUNNING" });
  expect(await barrier).toMatchObject({ kind: "notReady" });
  const asked = harness.acknowledgements.length;
  await harness.context.clock.advance(60_000);
  expect(harness.acknowledgements).toHaveLength(asked);
});

it("[rule 7] builds upon the base that a barrier names, and upon nothing of a checkpoint that was given up", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  await harness.frame([0, 1], { a: 1 });
  await harness.barrier(1, 1);
  await harness.frame([1, 2], { b: 1 });
  // Checkpoint 1 was completed, but the message saying so was lost.
  await harness.barrier(2, 2, { base: 1 });
  await harness.frame([2, 3], { c: 1 });
  // Checkpoint 2 was not: the base is still 1.
  await harness.barrier(3, 3, { base: 1 });
  const [first, second, third] = harness.acknowledgements.map((one) =>
    one.state!.tables.map((table) => table.id),
  );
  expect(first).toHaveLength(1);
  expect(second).toEqual(expect.arrayContaining(first!));
  expect(third).toEqual(expect.arrayContaining(first!));
  expect(third!.filter((id) => second!.includes(id))).toEqual(first);
  harness.offsets = [3];
  harness.restored = harness.acknowledgements[2]!.state!;
  harness.restart();
  await harness.open();
  expect([await harness.count("a"), await harness.count("b"), await harness.count("c")]).toEqual([
    1, 1, 1,
  ]);
});

it("[rule 10] deletes, after attach, what it uploaded and the coordinator does not know, and nothing else", async () => {
  const harness = new PartitionHarness();
  const { sql } = harness.context;
  for (const path of ["incarnation/known", "incarnation/lost"]) {
    sql.exec("INSERT INTO upload (path) VALUES (?)", path);
    harness.blobStore.blobs.set(path, new Uint8Array(1));
  }
  harness.knownUploads = ["incarnation/known"];
  harness.onAttach = async () => {
    expect(harness.blobStore.operations).toEqual([]);
    return harness.attachAnswer();
  };
  await harness.open();
  expect(harness.blobStore.operations).toEqual(["delete incarnation/lost"]);
  expect(await harness.task.notedUploads()).toEqual([]);
});

it("[rule 10] notes an object before its PUT and forgets it once the acknowledgement names it", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  // More than travels inside a manifest, and hard to compress.
  const random = new SeededRandom(1);
  const keys = Array.from({ length: 6_000 }, () => random.hexadecimalId());
  await harness.frame([0, 1], Object.fromEntries(keys.map((key) => [key, 1])));
  const puts: string[] = [];
  let isAway = true;
  harness.blobStore.onPut = (path) => {
    expect(harness.context.sql.exec("SELECT path FROM upload")).toContainEqual({ path });
    puts.push(path);
    if (isAway) throw new StateEngineError("unavailable", "The bucket is away.");
  };
  const barrier = harness.barrier(1, 1);
  expect(await stateOf(barrier)).toBe("open");
  expect(harness.acknowledgements).toEqual([]);
  isAway = false;
  await harness.context.clock.advance(1_000);
  expect(await barrier).toMatchObject({ kind: "done" });
  const written = puts.at(-1);
  expect(written).toMatch(/^incarnation\/g000003-c000000001-[0-9a-f]{16,}\.sst$/);
  const [acknowledgement] = harness.acknowledgements;
  expect(acknowledgement!.uploads.map((upload) => upload.path)).toContain(written);
  expect(acknowledgement!.metrics.operations.classA).toBe(puts.length);
  expect(acknowledgement!.metrics.recordsIn).toBe(6_000);
  const named = new Set(acknowledgement!.uploads.map((upload) => upload.path));
  expect(await harness.task.notedUploads()).toEqual(
    [...new Set(puts)].filter((path) => !named.has(path)),
  );
});

it("[rule 6b] does not apply a frame of a newer generation but attaches first", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  await harness.frame([0, 200], { a: 200 });
  harness.generation += 1;
  harness.offsets = [100];
  expect(await harness.frame([100, 200], { a: 100 })).toMatchObject({ kind: "notReady" });
  await drainMicrotasks();
  expect(harness.attaches).toHaveLength(2);
  await harness.open();
  await harness.frame([100, 200], { a: 100 });
  expect(await harness.count("a")).toBe(100);
  const old = { generation: harness.generation - 1 };
  expect(await harness.frame([200, 201], { a: 1 }, old)).toEqual({
    kind: "staleGeneration",
    generation: harness.generation,
  });
});

it("[rule 8a] takes nothing of a frame that throws in the middle, and reports where it came from", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  await harness.frame([0, 10], { a: 10 });
  const bytes = countFrame({ a: 250, b: 250 }).slice(0, -1);
  const pending = harness.frame([10, 510], {}, { bytes });
  const behind = harness.frame([510, 511], { a: 1 });
  expect(await pending).toMatchObject({ kind: "notReady" });
  expect(await behind).toMatchObject({ kind: "notReady" });
  expect(harness.failures).toMatchObject([
    { source: 0, generation: 3, attempt: 1, error: { name: "FrameError" } },
  ]);
  expect(harness.failures[0]!.error.message).toContain("lines 10 to 509 of source 0");
  await harness.open();
  expect(await harness.count("a")).toBe(0);
  await harness.frame([0, 510], { a: 260, b: 250 });
  expect(await harness.count("a")).toBe(260);
  expect(await harness.count("b")).toBe(250);
});

it("[rule 8b] applies pipelined frames in order and lets a barrier wait for the frames before it", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  const answers = [
    harness.frame([0, 1], { a: 1 }),
    harness.frame([1, 2], { a: 1 }),
    harness.barrier(1, 2),
    harness.frame([2, 3], { a: 1 }),
  ];
  // A frame that overtook the one before it is sent back, not applied.
  expect(await harness.frame([4, 5], { a: 1 })).toMatchObject({
    kind: "reposition",
    channel: { position: { line: 3, record: 0 }, lastBarrier: 1 },
  });
  for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ kind: "done" });
  const [acknowledgement] = harness.acknowledgements;
  expect(acknowledgement).toMatchObject({ checkpoint: 1, base: 0, task: { vertex: "counts" } });
  await harness.complete(1, [2]);
  harness.restart();
  await harness.open();
  expect(await harness.count("a")).toBe(2);
});

it("[rule 22] keeps a barrier's call open until the acknowledgement is accepted, and joins a repeated one", async () => {
  const harness = new PartitionHarness({ sources: 2 });
  await harness.open();
  const first = harness.barrier(1, 0);
  const held = harness.frame([0, 1], { a: 1 });
  const repeated = harness.barrier(1, 0);
  expect(await stateOf(first)).toBe("open");
  expect(await stateOf(held)).toBe("open");
  let accept = (): void => {};
  harness.onAcknowledge = () =>
    new Promise((resolve) => (accept = () => resolve({ kind: "accepted" })));
  const second = harness.barrier(1, 0, { source: 1 });
  expect(await held).toMatchObject({ kind: "done" });
  expect(await stateOf(second)).toBe("open");
  accept();
  for (const call of [first, repeated, second]) expect(await call).toMatchObject({ kind: "done" });
  expect(await harness.barrier(1, 0)).toMatchObject({ kind: "done" });
  expect(harness.acknowledgements).toHaveLength(1);
});

it("[rule 22] releases held channels when the checkpoint is aborted, even if the abort comes first", async () => {
  const harness = new PartitionHarness({ sources: 2 });
  await harness.task.abortCheckpoint({ generation: harness.generation, checkpoint: 6 });
  await harness.open();
  expect(await harness.barrier(6, 0)).toMatchObject({ kind: "done" });
  expect(await harness.frame([0, 1], { a: 1 })).toMatchObject({ kind: "done" });
  const held = harness.barrier(7, 1);
  const behind = harness.frame([1, 2], { a: 1 });
  expect(await stateOf(behind)).toBe("open");
  await harness.task.abortCheckpoint({ generation: harness.generation, checkpoint: 7 });
  expect(await held).toMatchObject({ kind: "done" });
  expect(await behind).toMatchObject({ kind: "done" });
  const overtaken = harness.barrier(8, 2);
  void harness.barrier(9, 0, { source: 1 });
  expect(await overtaken).toMatchObject({ kind: "done" });
  expect(harness.acknowledgements).toEqual([]);
});

it("[rule 22] acknowledges again when the answer was lost, and attaches anew when told to restore", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  await harness.frame([0, 1], { a: 1 });
  harness.onAcknowledge = async () => {
    if (harness.acknowledgements.length === 1) throw new Error("lost");
    return { kind: "restore" };
  };
  const barrier = harness.barrier(1, 1);
  await harness.context.clock.advance(2_000);
  expect(await barrier).toMatchObject({ kind: "notReady" });
  expect(harness.acknowledgements).toHaveLength(2);
  expect(harness.acknowledgements[1]).toEqual(harness.acknowledgements[0]);
  expect(harness.attaches).toHaveLength(2);
});

it("[rule 23] answers enter at once while attach is waiting, and attaches in the background", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  harness.generation += 1;
  let answerAttach = (): void => {};
  harness.onAttach = () =>
    new Promise((resolve) => (answerAttach = () => resolve(harness.attachAnswer())));
  await harness.task.enter({ generation: harness.generation, status: "RUNNING" });
  expect(await harness.frame([0, 1], { a: 1 })).toMatchObject({ kind: "notReady" });
  answerAttach();
  await harness.open();
  expect(await harness.frame([0, 1], { a: 1 })).toMatchObject({ kind: "done" });
  expect(harness.attaches).toHaveLength(2);
});

it("[rule 23] asks again after the delay the coordinator gave, by alarm when memory was lost meanwhile", async () => {
  const harness = new PartitionHarness();
  harness.onAttach = async () => ({ kind: "wait", retryAfterMs: 5_000, status: "RESTARTING" });
  expect(await harness.task.openChannel({ source: 0, generation: 3 })).toMatchObject({
    kind: "notReady",
  });
  expect(await harness.frame([0, 1], { a: 1 })).toEqual({ kind: "notReady", retryAfterMs: 5_000 });
  await harness.context.clock.advance(5_000);
  expect(harness.attaches).toHaveLength(2);
  harness.restart();
  harness.onAttach = async () => harness.attachAnswer();
  await harness.context.clock.advance(10_000);
  expect(harness.attaches).toHaveLength(3);
  expect(harness.context.alarm.get()).toBeUndefined();
});

it("[rule 12c] restores and deletes nothing while the coordinator names another bucket than the deployed one", async () => {
  const harness = new PartitionHarness();
  harness.onAttach = async () => ({ ...harness.attachAnswer(), bucket: "EARLIER" });
  expect(await harness.openChannel(0)).toMatchObject({ kind: "notReady" });
  expect(await harness.frame([0, 1], { a: 1 })).toMatchObject({ kind: "notReady" });
  expect(harness.blobStore.operations).toEqual([]);
  harness.onAttach = async () => harness.attachAnswer();
  await harness.context.clock.advance(1_000);
  await harness.open();
  expect(await harness.frame([0, 1], { a: 1 })).toMatchObject({ kind: "done" });
});

it("[rule 24] answers a barrier with nothing since the base as unchanged, reading nothing", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  await harness.frame([0, 100], { a: 100 });
  await harness.barrier(5, 100);
  await harness.complete(5, [100]);
  harness.restart();
  await harness.open();
  harness.blobStore.operations.length = 0;
  expect(await harness.barrier(6, 100)).toMatchObject({ kind: "done" });
  expect(harness.acknowledgements.at(-1)).toMatchObject({ checkpoint: 6, base: 5, uploads: [] });
  expect(harness.acknowledgements.at(-1)).not.toHaveProperty("state");
  expect(harness.blobStore.operations).toEqual([]);
  await harness.complete(6, [100]);
  expect(await harness.barrier(7, 100)).toMatchObject({ kind: "done" });
  expect(harness.acknowledgements.at(-1)).not.toHaveProperty("state");
});

it("[rule 24] stays in memory while it has changes and a checkpoint is due, and no longer", async () => {
  const harness = new PartitionHarness({ intervalMs: 10_000 });
  await harness.open();
  expect(harness.context.pendingTimers).toBe(0);
  await harness.frame([0, 1], { a: 1 });
  await harness.context.clock.advance(15_000);
  expect(harness.context.pendingTimers).toBe(1);
  await harness.barrier(1, 1);
  await drainMicrotasks();
  expect(harness.context.pendingTimers).toBe(1);
  await harness.complete(1, [1]);
  expect(harness.context.pendingTimers).toBe(0);
  await harness.frame([1, 2], { a: 1 });
  await harness.context.clock.advance(60_000);
  expect(harness.context.pendingTimers).toBe(0);
});

it("[rule 31] grants credit from the memory share, never less than one frame nor more than 4 MiB", async () => {
  const harness = new PartitionHarness({ sources: 64 });
  const opened = await harness.task.openChannel({ source: 63, generation: 3 });
  if (opened.kind !== "open") throw new Error("not open");
  expect(opened.channel.creditBytes).toBeGreaterThanOrEqual(256 * 1024);
  expect(opened.channel.creditBytes).toBeLessThanOrEqual(4 * 1024 * 1024);
});
