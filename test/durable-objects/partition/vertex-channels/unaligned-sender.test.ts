/** A barrier that overtakes what waits for credit on its way to another partition. */
import { expect, it } from "vitest";
import { readInFlight } from "../../../../durable-objects/partition/in-flight.ts";
import { drainMicrotasks } from "../../../support/manual-clock.ts";
import { createNodeEnvironment } from "../../../support/node-environment.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";
import { stateOf } from "../partition-harness.ts";
import { RegionHarness, type PlayedPartition } from "./region-harness.ts";

const start = { barrier: 0, index: 0 };
const never = () => new Promise<never>(() => undefined);
const environment = createNodeEnvironment({ now: () => 0, random: new SeededRandom(0) });
const words = Array.from({ length: 40 }, (_, number) =>
  Array<string>(number + 1).fill(`w${number}`),
).flat();

/** A sender whose receiver groups/0 has taken one frame, applies nothing and has no credit left; groups/1 is well. */
async function pressed(): Promise<{ harness: RegionHarness; slow: PlayedPartition }> {
  const harness = new RegionHarness({ vertex: "counts", index: 0 });
  await harness.open();
  const slow = harness.peer("groups", 0);
  slow.creditBytes = 0;
  slow.onFrame = never;
  for (const line of [0, 1, 2]) await harness.words([line, line + 1], words);
  await drainMicrotasks();
  expect(framesOf(slow)).toHaveLength(1);
  return { harness, slow };
}

function framesOf({ frames }: PlayedPartition): PlayedPartition["frames"] {
  return frames.filter(({ bytes }) => bytes.length > 0);
}

async function inFlightOf(harness: RegionHarness) {
  const { inFlight } = harness.acknowledgements.at(-1)!.state!;
  const store = { get: async () => undefined };
  return inFlight === undefined ? [] : await readInFlight(inFlight, store, environment);
}

it("sends the barrier before the frames without credit, numbers them behind it, and acknowledges them", async () => {
  const { harness, slow } = await pressed();
  const answered = harness.barrier(1, 3, { alignmentTimeoutMs: 500 });
  await drainMicrotasks();
  expect([slow.barriers, harness.acknowledgements]).toEqual([[], []]);
  await harness.context.clock.advance(500);
  expect(await stateOf(answered)).toMatchObject({ kind: "done" });
  expect(slow.barriers).toMatchObject([
    { checkpoint: 1, position: { barrier: 0, index: 1 }, alignmentTimeoutMs: 0 },
  ]);
  const inFlight = await inFlightOf(harness);
  expect(inFlight.length).toBeGreaterThan(0);
  expect(new Set(inFlight.map(({ direction, channel }) => `${direction} ${channel}`))).toEqual(
    new Set(["out groups/0"]),
  );
  // With credit again they come, in order, behind the barrier.
  slow.onFrame = async () => slow.done();
  slow.creditBytes = 1 << 20;
  slow.session = 0;
  await harness.task.rewindVertexChannel({
    generation: 1,
    attempt: slow.attempt + 1,
    receiver: { vertex: "groups", index: 0 },
  });
  await drainMicrotasks();
  const later = framesOf(slow).filter(({ position }) => position.barrier === 1);
  expect(later.map(({ position }) => position.index)).toEqual(inFlight.map((_, index) => index));
  expect(later.map(({ bytes }) => bytes)).toEqual(inFlight.map(({ bytes }) => bytes));
});

it("acknowledges without frames when the barrier left in its turn before the timeout", async () => {
  const harness = new RegionHarness({ vertex: "counts", index: 0 });
  await harness.open();
  await harness.words([0, 1], words);
  await harness.barrier(1, 1, { alignmentTimeoutMs: 500 });
  expect(await inFlightOf(harness)).toEqual([]);
  const { barriers } = harness.peer("groups", 0);
  expect(barriers).toMatchObject([{ checkpoint: 1, alignmentTimeoutMs: 500 }]);
});

it("sends frames of the restored checkpoint first, before what it emits anew", async () => {
  const { harness, slow } = await pressed();
  void harness.barrier(1, 3, { alignmentTimeoutMs: 0 });
  await drainMicrotasks();
  const inFlight = await inFlightOf(harness);
  harness.restored = harness.acknowledgements.at(-1)!.state!;
  harness.completed = 1;
  harness.decided = 1;
  harness.offset = 3;
  harness.restart();
  slow.restart(1);
  slow.creditBytes = 1 << 20;
  slow.onFrame = async () => slow.done();
  slow.frames.length = 0;
  await harness.open();
  await harness.words([3, 4], words);
  await drainMicrotasks();
  const sent = framesOf(slow);
  expect(sent.length).toBeGreaterThan(inFlight.length);
  expect(sent.slice(0, inFlight.length).map(({ bytes }) => bytes)).toEqual(
    inFlight.map(({ bytes }) => bytes),
  );
  expect(sent[0]!.position).toEqual({ ...start, barrier: 1 });
  expect(harness.rollbacks).toEqual([]);
});
