/** Channels between partitions of different vertices against docs/protocol.md, one schedule at a time. */
import { expect, it } from "vitest";
import { drainMicrotasks } from "../../../support/manual-clock.ts";
import { stateOf } from "../partition-harness.ts";
import { RegionHarness } from "./region-harness.ts";

const start = { barrier: 0, index: 0 };
const never = () => new Promise<never>(() => undefined);

/** Words enough that both partitions of "groups" get something. */
const words = Array.from({ length: 40 }, (_, number) =>
  Array<string>(number + 1).fill(`w${number}`),
).flat();

async function sender(): Promise<RegionHarness> {
  const harness = new RegionHarness({ vertex: "counts", index: 0 });
  await harness.open();
  return harness;
}

async function receiver(): Promise<RegionHarness> {
  const harness = new RegionHarness({ vertex: "groups", index: 0 });
  await harness.openAs(0);
  await harness.openAs(1);
  await drainMicrotasks();
  return harness;
}

it("[rule 6a] asks for a rollback when a receiver woke up and the sender cannot send again what it lacks", async () => {
  const harness = await sender();
  await harness.words([0, 1], words);
  await drainMicrotasks();
  const fed = harness.peer("groups", 0);
  expect(fed.frames).toHaveLength(1);
  fed.restart(0);
  await harness.task.rewindVertexChannel({
    generation: 1,
    attempt: fed.attempt,
    receiver: { vertex: "groups", index: 0 },
  });
  await drainMicrotasks();
  expect(harness.rollbacks).toMatchObject([{ generation: 1, attempt: 1 }]);
  expect(harness.rollbacks[0]!.reason).toContain("groups/0 stands 0 frames behind barrier 0");
  // The coordinator raised the generation: this task restores the checkpoint too.
  expect(harness.attaches).toBe(2);
});

it("[rule 6a] refuses a sender that begins again although its frames were applied, and asks for a rollback", async () => {
  const harness = await receiver();
  expect(await harness.counts(0, start, [1, 2])).toMatchObject({ kind: "done" });
  expect(await harness.openAs(0, { senderAttempt: 2 })).toMatchObject({ kind: "notReady" });
  await drainMicrotasks();
  expect(harness.rollbacks).toMatchObject([{ task: { vertex: "groups", index: 0 } }]);
  expect(harness.rollbacks[0]!.reason).toContain("counts/0 lost its memory");
});

it("[rule 6b] applies nothing of a newer generation before it has restored in it", async () => {
  const harness = await receiver();
  await harness.counts(0, start, [1]);
  harness.generation = 2;
  expect(await harness.counts(0, { barrier: 0, index: 1 }, [2])).toMatchObject({
    kind: "notReady",
  });
  await drainMicrotasks();
  expect(harness.attempt).toBe(2);
  await harness.openAs(0, { senderAttempt: 2 });
  await harness.openAs(1, { senderAttempt: 2 });
  await harness.counts(0, start, [3]);
  await harness.counts(1, start, []);
  expect(await harness.entries()).toEqual({ "3": "1" });
});

it("[rule 6c] rolls back in memory to exactly the checkpoint, whatever was flushed and merged since", async () => {
  const harness = await receiver();
  await harness.counts(0, start, [1, 2]);
  const barriers = [
    harness.barrierFrom(0, 1, { barrier: 0, index: 1 }),
    harness.barrierFrom(1, 1, start),
  ];
  expect(await Promise.all(barriers)).toMatchObject([{ kind: "done" }, { kind: "done" }]);
  harness.restored = harness.acknowledgements[0]!.state!;
  harness.completed = 1;
  harness.decided = 1;
  await harness.task.completeCheckpoint({ generation: 1, checkpoint: 1 });
  await harness.counts(0, { barrier: 1, index: 0 }, [2, 3, 4]);
  // A later checkpoint is taken and given up: its tables are not the restored one's.
  const givenUp = [
    harness.barrierFrom(0, 2, { barrier: 1, index: 1 }),
    harness.barrierFrom(1, 2, { barrier: 1, index: 0 }),
  ];
  await Promise.all(givenUp);
  harness.generation = 2;
  await harness.task.enter({ generation: 2, status: "RUNNING" });
  await drainMicrotasks();
  await harness.openAs(0, { senderAttempt: 2 });
  await harness.openAs(1, { senderAttempt: 2 });
  for (const index of [0, 1]) await harness.counts(index, { barrier: 1, index: 0 }, []);
  expect(await harness.entries()).toEqual({ "1": "1", "2": "1" });
  expect(harness.rollbacks).toEqual([]);
});

it("[rule 24] wakes alone: what the receiver has not applied is sent again, and no generation is raised", async () => {
  const harness = await sender();
  const fed = harness.peer("groups", 0);
  fed.onFrame = never;
  await harness.words([0, 1], words);
  await drainMicrotasks();
  const [first] = fed.frames;
  fed.restart(0);
  fed.onFrame = async () => fed.done();
  const receiverTask = { vertex: "groups", index: 0 };
  await harness.task.rewindVertexChannel({ generation: 1, attempt: 2, receiver: receiverTask });
  await drainMicrotasks();
  const again = fed.frames.filter(({ attempt, bytes }) => attempt === 2 && bytes.length > 0);
  expect(again.map(({ bytes, position }) => ({ bytes, position }))).toEqual([
    { bytes: first!.bytes, position: start },
  ]);
  expect(harness.rollbacks).toEqual([]);
});

it("[rule 24] goes on with a sender that lost its memory, when nothing of it was taken since the checkpoint", async () => {
  const harness = await receiver();
  expect(await harness.openAs(0, { senderAttempt: 2 })).toMatchObject({
    kind: "open",
    channel: { position: start, session: 2 },
  });
  const frame = { session: 2 };
  expect(await harness.counts(0, start, [7], frame)).toMatchObject({ kind: "done" });
  // What the older attempt sent arrives late.
  expect(await harness.counts(0, start, [8])).toMatchObject({ kind: "notReady" });
  expect(await harness.openAs(0, { senderAttempt: 1 })).toMatchObject({ kind: "staleGeneration" });
  expect(harness.rollbacks).toEqual([]);
});

it("[rule 24] takes a barrier again that an earlier attempt of the sender brought only if it was given up", async () => {
  const harness = await receiver();
  void harness.barrierFrom(0, 1, start);
  expect(await harness.openAs(0, { senderAttempt: 2, decided: 1 })).toMatchObject({
    kind: "open",
    channel: { position: start },
  });
  expect(harness.rollbacks).toEqual([]);
  void harness.barrierFrom(0, 2, start, { session: 2 });
  await drainMicrotasks();
  // Checkpoint 2 may still complete without what the new attempt emits before its barrier.
  expect(await harness.openAs(0, { senderAttempt: 3, decided: 1 })).toMatchObject({
    kind: "notReady",
  });
  await drainMicrotasks();
  expect(harness.rollbacks).toHaveLength(1);
});

it("[rule 24] wakes no receiver when it wakes up itself and has nothing to say", async () => {
  const harness = await sender();
  expect(harness.peer("groups", 0).opened).toEqual([]);
  expect(harness.peer("groups", 1).opened).toEqual([]);
});

it("acknowledges only when every receiver was asked where it stands in this attempt", async () => {
  const harness = await sender();
  const fed = harness.peer("groups", 1);
  const open = fed.calls.openVertexChannel!;
  let isReachable = false;
  Object.defineProperty(fed, "calls", {
    get: () => ({
      ...Object.getOwnPropertyDescriptor(Object.getPrototypeOf(fed), "calls")!.get!.call(fed),
      openVertexChannel: (request: Parameters<typeof open>[0]) =>
        isReachable ? open(request) : Promise.reject(new Error("Network connection lost.")),
    }),
  });
  const barrier = harness.barrier(1, 0);
  await harness.context.clock.advance(500);
  expect(harness.acknowledgements).toEqual([]);
  isReachable = true;
  await harness.context.clock.advance(5_000);
  expect(harness.acknowledgements).toMatchObject([{ checkpoint: 1 }]);
  expect(await stateOf(barrier)).toMatchObject({ kind: "done" });
});

it("[rule 30] sends the barrier to everyone while one receiver holds its channel and its window is full", async () => {
  const harness = await sender();
  const [held, other] = [harness.peer("groups", 0), harness.peer("groups", 1)];
  // groups/0 has barrier 1 of this sender and waits for another one's: it applies nothing of this channel.
  held.creditBytes = 0;
  await harness.barrier(1, 0);
  harness.completed = 1;
  held.onFrame = never;
  await harness.words([0, 1], words);
  await harness.words([1, 2], words);
  await drainMicrotasks();
  const sent = held.frames.filter(({ bytes }) => bytes.length > 0).length;
  expect(sent).toBe(1);
  expect(other.frames.filter(({ bytes }) => bytes.length > 0).length).toBeGreaterThan(1);
  void harness.barrier(2, 2);
  await drainMicrotasks();
  expect(other.barriers.map(({ checkpoint }) => checkpoint)).toEqual([1, 2]);
});

it("[rule 30] takes barriers and marks of a sender whatever credit it has left", async () => {
  const harness = await sender();
  const fed = harness.peer("groups", 0);
  fed.creditBytes = 0;
  const barrier = harness.barrier(1, 0);
  await drainMicrotasks();
  expect(fed.barriers).toMatchObject([{ checkpoint: 1, base: 0, position: start }]);
  expect(await stateOf(barrier)).toMatchObject({ kind: "done" });
});

it("[rule 30] holds only the channel that is ahead, and lets it go when the other barrier comes", async () => {
  const harness = await receiver();
  const ahead = harness.barrierFrom(0, 1, start);
  const behind = harness.counts(0, { barrier: 1, index: 0 }, [1]);
  expect(await stateOf(behind)).toBe("open");
  expect(await harness.counts(1, start, [2])).toMatchObject({ kind: "done" });
  await harness.barrierFrom(1, 1, { barrier: 0, index: 1 });
  expect(await stateOf(behind)).toMatchObject({ kind: "done" });
  expect(await stateOf(ahead)).toMatchObject({ kind: "done" });
});

it("[rule 22] lets a held channel go when the checkpoint is given up", async () => {
  const harness = await receiver();
  const ahead = harness.barrierFrom(0, 1, start);
  const behind = harness.counts(0, { barrier: 1, index: 0 }, [1]);
  expect(await stateOf(behind)).toBe("open");
  await harness.task.abortCheckpoint({ generation: 1, checkpoint: 1 });
  expect(await stateOf(behind)).toMatchObject({ kind: "done" });
  expect(await stateOf(ahead)).toMatchObject({ kind: "done" });
  expect(harness.acknowledgements).toEqual([]);
});

it("stops taking input while its receivers hold more than the bound, and goes on when they have applied it", async () => {
  const harness = await sender();
  const held: (() => void)[] = [];
  for (const fed of [harness.peer("groups", 0), harness.peer("groups", 1)]) {
    fed.onFrame = () => new Promise((done) => held.push(() => done(fed.done())));
  }
  const many = (from: number) =>
    Array.from({ length: 120 }, (_, number) => `word-${from}-${number}`.padEnd(2_000, "x"));
  const answers: Promise<unknown>[] = [];
  for (let line = 0; line < 60; line++) answers.push(harness.words([line, line + 1], many(line)));
  await drainMicrotasks();
  const states = await Promise.all(answers.map((answer) => stateOf(answer)));
  expect(states).toContain("open");
  while (held.length > 0) {
    for (const release of held.splice(0)) release();
    await drainMicrotasks();
  }
  expect(await Promise.all(answers)).toHaveLength(60);
});

it("counts a frame once that is sent again over a new session", async () => {
  const harness = await receiver();
  await harness.counts(0, start, [5]);
  await harness.openAs(0);
  expect(await harness.counts(0, start, [5], { session: 2 })).toMatchObject({ kind: "done" });
  const next = { barrier: 0, index: 2 };
  expect(await harness.counts(0, next, [6], { session: 2 })).toMatchObject({
    kind: "reposition",
    channel: { position: { barrier: 0, index: 1 } },
  });
  await harness.counts(1, start, []);
  expect(await harness.entries()).toEqual({ "5": "1" });
});

it("answers live reads after every sender has caught up, and tells its receivers so [rule 20]", async () => {
  const harness = await receiver();
  await harness.counts(0, start, [1], { hasCaughtUp: false });
  await harness.counts(1, start, []);
  expect(await harness.entries()).toBeUndefined();
  await harness.counts(0, { barrier: 0, index: 1 }, []);
  expect(await harness.entries()).toEqual({ "1": "1" });
});

it("takes no mark that is delivered again: what it says is over [rule 1]", async () => {
  const harness = await receiver();
  const old = { markNumber: 1, hasCaughtUp: false };
  await harness.counts(0, start, [], old);
  await harness.counts(0, start, [], { markNumber: 2 });
  await harness.counts(1, start, []);
  expect(await harness.entries()).toEqual({});
  expect(await harness.counts(0, start, [], old)).toMatchObject({ kind: "done" });
  expect(await harness.entries()).toEqual({});
});

it("asks the partitions that feed it to open their channels, once it has restored", async () => {
  const harness = await receiver();
  for (const index of [0, 1]) {
    expect(harness.peer("counts", index).rewinds).toMatchObject([
      { attempt: 1, receiver: { vertex: "groups", index: 0 } },
    ]);
  }
});

it("passes watermarks on as the minimum over inputs, keeps them in the acknowledgement and restores them [rule 13]", async () => {
  const harness = await receiver();
  const active = { isIdle: false };
  await harness.counts(0, start, [], { watermark: 10, ...active });
  await harness.counts(1, start, [], { watermark: 20, ...active });
  const barriers = [
    harness.barrierFrom(0, 1, start, { watermark: 15, ...active }),
    harness.barrierFrom(1, 1, start, { watermark: 20, ...active }),
  ];
  await Promise.all(barriers);
  const { state } = harness.acknowledgements[0]!;
  expect(state).toMatchObject({ watermarks: { "counts/0": 15, "counts/1": 20 }, watermark: 15 });
  harness.restored = state!;
  harness.completed = 1;
  harness.restart();
  await harness.openAs(0);
  const behind = { barrier: 1, index: 0 };
  await harness.openAs(1);
  const again = [
    harness.barrierFrom(0, 2, behind, { watermark: 15, ...active }),
    harness.barrierFrom(1, 2, behind, { watermark: 20, ...active }),
  ];
  await Promise.all(again);
  // Nothing changed: the list of the base still holds.
  expect(harness.acknowledgements.at(-1)).toMatchObject({ checkpoint: 2 });
  expect(harness.acknowledgements.at(-1)!.state).toBeUndefined();
});
