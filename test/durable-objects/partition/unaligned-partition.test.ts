/** One partition whose barriers overtake: what is in flight, what is restored, and in which order. */
import { expect, it } from "vitest";
import { decodeInFlight } from "../../../dataflow/in-flight-frames.ts";
import { overtakenFrames, readInFlight } from "../../../durable-objects/partition/in-flight.ts";
import { StateEngine } from "../../../state-engine/index.ts";
import { patched } from "../../simulation/mutants/mutant.ts";
import { drainMicrotasks } from "../../support/manual-clock.ts";
import { createNodeEnvironment } from "../../support/node-environment.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { countFrame, PartitionHarness, stateOf } from "./partition-harness.ts";

const environment = createNodeEnvironment({ now: () => 0, random: new SeededRandom(0) });
const AT_ONCE = { alignmentTimeoutMs: 0 };

/** A partition without room for any frame, until `release`. */
async function stalled(sources: number): Promise<{
  readonly harness: PartitionHarness;
  readonly release: () => Promise<void>;
}> {
  const { promise: room, resolve } = Promise.withResolvers<void>();
  const restore = patched(StateEngine.prototype, "admit", () => ({ value: () => room }));
  const harness = new PartitionHarness({ sources });
  await harness.open();
  const release = async (): Promise<void> => {
    restore();
    resolve();
    await drainMicrotasks();
  };
  return { harness, release };
}

it("[CK9] acknowledges although no frame has had its turn, with the frames before the barriers in the checkpoint", async () => {
  const { harness, release } = await stalled(2);
  const frames = [
    harness.frame([0, 10], { a: 1 }, { source: 0, arrivalTime: 5 }),
    harness.frame([0, 20], { a: 10, b: 1 }, { source: 1, arrivalTime: 7 }),
  ];
  const barriers = [
    harness.barrier(1, 10, { source: 0, ...AT_ONCE }),
    harness.barrier(1, 20, { source: 1, ...AT_ONCE }),
  ];
  const behind = harness.frame([10, 11], { a: 100 }, { source: 0 });
  expect(await stateOf(Promise.all(barriers))).toMatchObject([{ kind: "done" }, { kind: "done" }]);
  const [acknowledged] = harness.acknowledgements;
  expect(acknowledged!.metrics).toMatchObject({ isUnaligned: true, processedBytes: 0 });
  const { inFlight, tables } = acknowledged!.state!;
  expect(tables).toEqual([]);
  const found = await readInFlight(inFlight!, harness.blobStore, environment);
  expect(found).toEqual([
    expect.objectContaining({ direction: "in", channel: "0", arrivalTime: 5 }),
    expect.objectContaining({ direction: "in", channel: "1", arrivalTime: 7 }),
  ]);
  expect(found[0]!.bytes).toEqual(countFrame({ a: 1 }));
  expect(acknowledged!.metrics.persistedBytes).toBe(inFlight!.bytes);
  await release();
  await Promise.all([...frames, behind]);
  expect(await harness.count("a")).toBe(111);

  // The lines behind the offsets come again; what was in flight does not.
  await harness.complete(1, [10, 20]);
  harness.restart();
  await harness.open();
  await harness.frame([10, 11], { a: 100 }, { source: 0 });
  expect(await harness.count("a")).toBe(111);
  expect(await harness.count("b")).toBe(1);
});

it("waits for its alignment timeout, and aligns when the frames have their turn before", async () => {
  const { harness, release } = await stalled(1);
  const frame = harness.frame([0, 10], { a: 1 });
  const barrier = harness.barrier(1, 10, { alignmentTimeoutMs: 500 });
  await harness.context.clock.advance(499);
  expect(harness.acknowledgements).toEqual([]);
  await release();
  await Promise.all([frame, barrier]);
  expect(harness.acknowledgements[0]!.state!.inFlight).toBeUndefined();
  expect(harness.acknowledgements[0]!.metrics.isUnaligned).toBe(false);
});

it("overtakes when the alignment timeout is over, and never without one", async () => {
  const { harness, release } = await stalled(1);
  void harness.frame([0, 10], { a: 1 });
  void harness.barrier(1, 10, { alignmentTimeoutMs: 500 });
  await harness.context.clock.advance(500);
  expect(harness.acknowledgements).toHaveLength(1);
  void harness.frame([10, 20], { a: 2 });
  void harness.barrier(2, 20);
  await harness.context.clock.advance(60_000);
  expect(harness.acknowledgements).toHaveLength(1);
  await release();
});

it("stays aligned while one channel lacks the barrier", async () => {
  const { harness, release } = await stalled(2);
  void harness.frame([0, 10], { a: 1 }, { source: 0 });
  void harness.barrier(1, 10, { source: 0, ...AT_ONCE });
  await harness.context.clock.advance(60_000);
  expect(harness.acknowledgements).toEqual([]);
  void harness.barrier(1, 0, { source: 1, ...AT_ONCE });
  await drainMicrotasks();
  expect(harness.acknowledgements).toHaveLength(1);
  await release();
});

it("takes what a checkpoint restored into the next one when that overtakes it too, and counts it once", async () => {
  const { harness, release } = await stalled(1);
  void harness.frame([0, 10], { a: 1 });
  await stateOf(harness.barrier(1, 10, AT_ONCE));
  await harness.complete(1, [10]);
  harness.restart();
  await harness.open();
  void harness.frame([10, 11], { a: 10 });
  await stateOf(harness.barrier(2, 11, AT_ONCE));
  expect(harness.acknowledgements[1]!.state!.inFlight).toMatchObject({ frames: 2 });
  await harness.complete(2, [11]);
  await release();
  harness.restart();
  await harness.open();
  await drainMicrotasks();
  expect(await harness.count("a")).toBe(11);
  // Nothing is in flight now, which is news although no line moved and no watermark did.
  await harness.barrier(3, 11, AT_ONCE);
  const { state } = harness.acknowledgements.at(-1)!;
  expect(state).toBeDefined();
  expect(state!.inFlight).toBeUndefined();
});

it("[rule 20] answers no live read before what was in flight is applied", async () => {
  const { harness, release } = await stalled(1);
  void harness.frame([0, 10], { a: 1 });
  await stateOf(harness.barrier(1, 10, AT_ONCE));
  await harness.complete(1, [10]);
  harness.restart();
  await harness.open();
  const read = harness.count("a");
  await drainMicrotasks();
  expect(await stateOf(read)).toBe("open");
  await release();
  expect(await read).toBe(1);
});

it("[rule 10] puts large in-flight frames into an object that it notes, names and forgets", async () => {
  const { harness, release } = await stalled(1);
  const counts = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, index) => [`a long key number ${index}`, 1]),
  );
  void harness.frame([0, 10], counts);
  await stateOf(harness.barrier(1, 10, AT_ONCE));
  const { state, uploads } = harness.acknowledgements[0]!;
  const data = state!.inFlight!.data as { readonly path: string; readonly size: number };
  expect(data.path).toMatch(/\.frames$/);
  expect(uploads).toEqual([data]);
  expect(harness.blobStore.blobs.get(data.path)).toHaveLength(data.size);
  expect(await harness.task.notedUploads()).toEqual([]);
  await harness.complete(1, [10]);
  await release();
  harness.restart();
  await harness.open();
  await drainMicrotasks();
  expect(await harness.count("a long key number 7")).toBe(1);
});

it("[rule 10] hands over the object of a checkpoint that was given up with the next acknowledgement", async () => {
  const { harness, release } = await stalled(1);
  const counts = { ["k".repeat(40_000)]: 1 };
  void harness.frame([0, 10], counts);
  const put = harness.blobStore.put.bind(harness.blobStore);
  const landed = Promise.withResolvers<void>();
  let path = "";
  harness.blobStore.put = async (name, bytes) => {
    path = name;
    await landed.promise;
    return put(name, bytes);
  };
  void harness.barrier(1, 10, AT_ONCE);
  await drainMicrotasks();
  expect(path).toMatch(/\.frames$/);
  await harness.task.abortCheckpoint({ generation: harness.generation, checkpoint: 1 });
  landed.resolve();
  harness.blobStore.put = put;
  await release();
  await harness.barrier(2, 10);
  expect(harness.acknowledgements).toMatchObject([{ checkpoint: 2 }]);
  expect(harness.acknowledgements[0]!.uploads.map((upload) => upload.path)).toContain(path);
});

it("refuses damaged in-flight frames and reports them as a failure of the task", async () => {
  const harness = new PartitionHarness();
  harness.restored = {
    ...harness.restored,
    inFlight: { frames: 1, bytes: 3, data: { inline: "AAAA" } },
  };
  // Opening a channel waits for a memory that does not come.
  void harness.open();
  await drainMicrotasks();
  expect(harness.failures[0]!.error.message).toContain("in-flight frames");
  expect(() => decodeInFlight(new Uint8Array(2), environment, "The list")).toThrow(/damaged/);
});

it("[rule 13] keeps what a barrier says of time behind the frames it overtook", () => {
  const frame = { bytes: new Uint8Array([1]), arrivalTime: 3, watermark: 10 };
  const queued = { channel: "0", frame, applied: () => {}, answer: () => {} };
  const barrier = { channel: "0", checkpoint: 1, base: 0, mode: "incremental", watermark: 20 };
  const overtaken = {
    frames: [queued],
    turns: [0],
    barrier: { ...barrier, mode: "full" },
  } as const;
  const frames = overtakenFrames([overtaken]);
  expect(frames.map(({ watermark, bytes }) => [watermark, bytes.length])).toEqual([
    [10, 1],
    [20, 0],
  ]);
});

it("[CK11] declines a checkpoint that it cannot write for good, and has the same state in the next one", async () => {
  const harness = new PartitionHarness();
  await harness.open();
  const random = new SeededRandom(1);
  const counts = Array.from({ length: 4_000 }, () => [`key ${random.next()}`, 1] as const);
  await harness.frame([0, 10], Object.fromEntries(counts));
  harness.blobStore.onPut = () => {
    throw new TypeError("The path is not allowed.");
  };
  await harness.barrier(1, 10);
  expect(harness.declines).toMatchObject([
    { checkpoint: 1, reason: "CHECKPOINT_ASYNC_EXCEPTION", message: "The path is not allowed." },
  ]);
  expect([harness.acknowledgements, harness.failures]).toEqual([[], []]);
  harness.blobStore.onPut = () => {};
  await harness.barrier(2, 10);
  expect(harness.acknowledgements[0]!.state!.tables).toHaveLength(1);
});
