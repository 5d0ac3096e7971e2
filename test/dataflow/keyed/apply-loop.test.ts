/** The apply loop and its alignment: random interleavings against what each channel sent. */
import * as fc from "fast-check";
import { expect, it, vi } from "vitest";
import { ApplyLoop, type LoopHandler } from "../../../dataflow/keyed/apply-loop.ts";

interface TestFrame {
  readonly channel: number;
  readonly index: number;
}

interface TestBarrier {
  readonly checkpoint: number;
}

/** What a channel sends, in order: "frame", or the number of a barrier. */
type Sent = "frame" | number;

class Recorder implements LoopHandler<TestFrame, TestBarrier> {
  readonly applied: TestFrame[] = [];
  readonly alignments: { checkpoint: number; applied: readonly TestFrame[] }[] = [];
  readonly reachedBarriers: number[] = [];
  readonly failures: { error: unknown; frame: TestFrame | undefined }[] = [];
  room: (frame: TestFrame) => Promise<void> | undefined = () => undefined;
  beforeApply: (frame: TestFrame) => void = () => {};

  admit(frame: TestFrame): Promise<void> | undefined {
    return this.room(frame);
  }
  apply(frame: TestFrame): void {
    this.beforeApply(frame);
    this.applied.push(frame);
  }
  reached(barrier: TestBarrier): void {
    this.reachedBarriers.push(barrier.checkpoint);
  }
  aligned(checkpoint: number): void {
    this.alignments.push({ checkpoint, applied: [...this.applied] });
  }
  failed(error: unknown, frame: TestFrame | undefined): void {
    this.failures.push({ error, frame });
  }
}

/** Channels that all deliver the same checkpoints, except that each may leave out an aborted one. */
const schedule = fc
  .record({
    channels: fc.integer({ min: 1, max: 4 }),
    isAborted: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
  })
  .chain(({ channels, isAborted }) =>
    fc.record({
      isAborted: fc.constant(isAborted),
      sent: fc.tuple(
        ...Array.from({ length: channels }, () =>
          fc
            .tuple(
              fc.array(fc.integer({ min: 0, max: 3 }), {
                minLength: isAborted.length + 1,
                maxLength: isAborted.length + 1,
              }),
              fc.array(fc.boolean(), { minLength: isAborted.length, maxLength: isAborted.length }),
            )
            .map(([frames, isLeftOut]) =>
              frames.flatMap((count, index): Sent[] => [
                ...(index > 0 && !(isAborted[index - 1]! && isLeftOut[index - 1]!) ? [index] : []),
                ...Array.from({ length: count }, (): Sent => "frame"),
              ]),
            ),
        ),
      ),
      // Which channel sends next, and when an abort of a doomed checkpoint arrives in between.
      choices: fc.array(fc.nat(), { minLength: 40, maxLength: 60 }),
      waits: fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
    }),
  );

it("[rule 8] has exactly the records before the barrier in state at every alignment, on all channels", async () => {
  await fc.assert(
    fc.asyncProperty(schedule, async ({ sent, isAborted, choices, waits }) => {
      const recorder = new Recorder();
      let frames = 0;
      recorder.room = () => (waits[frames++ % waits.length] ? Promise.resolve() : undefined);
      const loop = new ApplyLoop<TestFrame, TestBarrier>(sent.length, recorder);
      const cursor = sent.map(() => 0);
      const aborts = isAborted.flatMap((doomed, index) => (doomed ? [index + 1] : []));
      // A checkpoint is triggered, and can be aborted, only once its predecessor is decided [7].
      const mayExist = (checkpoint: number): boolean =>
        isAborted.slice(0, checkpoint - 1).every((doomed, index) => doomed || isAligned(index + 1));
      const isAligned = (checkpoint: number): boolean =>
        recorder.alignments.some((one) => one.checkpoint === checkpoint);
      const next = (channel: number): Sent | undefined => sent[channel]![cursor[channel]!];
      const maySend = (turn: Sent | undefined): boolean =>
        turn !== undefined && (turn === "frame" || mayExist(turn));
      for (let step = 0; sent.some((_, channel) => next(channel) !== undefined); step++) {
        const choice = choices[step % choices.length]! + step;
        const ready = [...sent.keys()].filter((channel) => maySend(next(channel)));
        if (ready.length > 0) {
          const channel = ready[choice % ready.length]!;
          const turn = next(channel)!;
          const index = cursor[channel]!++;
          if (turn === "frame") loop.pushFrame(channel, { channel, index });
          else loop.pushBarrier(channel, { checkpoint: turn });
        }
        if (choice % 7 === 0 || ready.length === 0) await Promise.resolve();
        const abort = aborts[0];
        if (choice % 3 === 0 && abort !== undefined && mayExist(abort)) loop.abort(aborts.shift()!);
        if (step > 10_000)
          throw new Error("The channels cannot go on: a lasting checkpoint hangs.");
      }
      for (let turn = 0; turn < 200; turn++) await Promise.resolve();
      for (const checkpoint of aborts) loop.abort(checkpoint);
      for (let turn = 0; turn < 200; turn++) await Promise.resolve();

      for (const { checkpoint, applied } of recorder.alignments) {
        for (const [channel, turns] of sent.entries()) {
          const barrier = turns.indexOf(checkpoint);
          const before = turns.flatMap((turn, index) =>
            turn === "frame" && index < barrier ? [index] : [],
          );
          const inState = applied.filter((one) => one.channel === channel).map((one) => one.index);
          expect(inState).toEqual(before);
        }
      }
      const lasting = isAborted.flatMap((doomed, index) => (doomed ? [] : [index + 1]));
      const aligned = recorder.alignments.map((one) => one.checkpoint);
      expect(aligned).toEqual(expect.arrayContaining(lasting));
      expect(aligned).toEqual([...new Set(aligned)].sort((a, b) => a - b));
      for (const [channel, turns] of sent.entries()) {
        const all = turns.flatMap((turn, index) => (turn === "frame" ? [index] : []));
        const applied = recorder.applied.filter((one) => one.channel === channel);
        expect(applied.map((one) => one.index)).toEqual(all);
      }
    }),
  );
});

it("[rule 22] releases a held channel when its checkpoint is aborted, and when a newer barrier comes", () => {
  const recorder = new Recorder();
  const loop = new ApplyLoop<TestFrame, TestBarrier>(2, recorder);
  loop.pushBarrier(0, { checkpoint: 6 });
  loop.pushFrame(0, { channel: 0, index: 1 });
  expect(recorder.applied).toEqual([]);
  loop.abort(6);
  expect(recorder.applied).toHaveLength(1);
  loop.pushBarrier(0, { checkpoint: 7 });
  loop.pushFrame(0, { channel: 0, index: 3 });
  loop.pushBarrier(1, { checkpoint: 8 });
  expect(recorder.applied).toHaveLength(2);
  loop.pushBarrier(0, { checkpoint: 8 });
  expect(recorder.alignments.map((one) => one.checkpoint)).toEqual([8]);
  expect(recorder.reachedBarriers).toEqual([6, 7, 8, 8]);
});

it("[rule 22] ignores the barrier of a checkpoint whose abort came first", () => {
  const recorder = new Recorder();
  const loop = new ApplyLoop<TestFrame, TestBarrier>(2, recorder);
  loop.abort(6);
  loop.pushBarrier(0, { checkpoint: 6 });
  loop.pushFrame(0, { channel: 0, index: 1 });
  expect(recorder.applied).toHaveLength(1);
  expect(loop.aligning).toBeUndefined();
});

it("[rule 8a] applies nothing after a frame that threw, and answers what was waiting", () => {
  const recorder = new Recorder();
  recorder.beforeApply = (frame) => {
    if (frame.index === 1) throw new Error("poison");
  };
  const loop = new ApplyLoop<TestFrame, TestBarrier>(2, recorder);
  loop.pushBarrier(1, { checkpoint: 1 });
  loop.pushFrame(1, { channel: 1, index: 1 });
  loop.pushFrame(1, { channel: 1, index: 2 });
  loop.pushFrame(0, { channel: 0, index: 0 });
  loop.pushFrame(0, { channel: 0, index: 1 });
  expect(recorder.failures).toEqual([
    { error: new Error("poison"), frame: { channel: 0, index: 1 } },
  ]);
  expect(recorder.applied).toEqual([{ channel: 0, index: 0 }]);
  expect(loop.close().map((frame) => [frame.channel, frame.index])).toEqual([
    [0, 1],
    [1, 1],
    [1, 2],
  ]);
  expect(() => loop.pushFrame(0, { channel: 0, index: 2 })).toThrow("closed");
});

it("keeps a frame that waits for room unapplied when the loop is closed meanwhile", async () => {
  const recorder = new Recorder();
  let makeRoom = (): void => {};
  recorder.room = () => new Promise<void>((resolve) => (makeRoom = resolve));
  const loop = new ApplyLoop<TestFrame, TestBarrier>(1, recorder);
  loop.pushFrame(0, { channel: 0, index: 0 });
  expect(loop.close()).toEqual([{ channel: 0, index: 0 }]);
  makeRoom();
  await Promise.resolve();
  await Promise.resolve();
  expect(recorder.applied).toEqual([]);
});

it("[rule 44] applies what a restored checkpoint holds in flight on any channel before what comes on another", async () => {
  const recorder = new Recorder();
  const { promise: hasRoom, resolve: makeRoom } = Promise.withResolvers<void>();
  recorder.room = () => hasRoom;
  const loop = new ApplyLoop<TestFrame, TestBarrier>(3, recorder);
  for (const index of [0, 1]) loop.pushRestoredFrame(1, { channel: 1, index });
  loop.pushRestoredFrame(2, { channel: 2, index: 0 });
  loop.pushFrame(0, { channel: 0, index: 0 });
  loop.pushFrame(1, { channel: 1, index: 2 });
  makeRoom();
  await vi.waitFor(() => expect(recorder.applied).toHaveLength(5));
  const inFlight = recorder.applied.slice(0, 3);
  expect(inFlight.map(({ channel }) => channel)).not.toContain(0);
  expect(inFlight.filter(({ channel }) => channel === 1).map(({ index }) => index)).toEqual([0, 1]);
  expect(recorder.applied.slice(3)).toContainEqual({ channel: 0, index: 0 });
});

it("[rule 44] says in which order it would apply what a barrier overtakes, and applies it so once it is restored", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 })
        .filter((counts) => counts.some((count) => count > 0)),
      fc.nat(3),
      async (counts, first) => {
        const frames = counts.map((count, channel) =>
          Array.from({ length: count }, (_, index) => ({ channel, index })),
        );
        const recorder = new Recorder();
        const { promise: hasRoom, resolve: makeRoom } = Promise.withResolvers<void>();
        recorder.room = () => hasRoom;
        const loop = new ApplyLoop<TestFrame, TestBarrier>(counts.length, recorder);
        // One channel's frames come first, so that one of them waits for room already.
        const channels = frames.map((_, index) => (index + first) % frames.length);
        for (const channel of channels) {
          for (const frame of frames[channel]!) loop.pushFrame(channel, frame);
          loop.pushBarrier(channel, { checkpoint: 1 });
        }
        const overtaken = loop.before(1)!;
        const order: TestFrame[] = [];
        for (const { frames: before, turns } of overtaken) {
          for (const [index, turn] of turns.entries()) order[turn] = before[index]!;
        }
        makeRoom();
        const total = frames.flat().length;
        await vi.waitFor(() => expect(recorder.applied).toHaveLength(total));
        expect(order).toEqual(recorder.applied);

        const restored = new Recorder();
        const next = new ApplyLoop<TestFrame, TestBarrier>(counts.length, restored);
        for (const frame of order) next.pushRestoredFrame(frame.channel, frame);
        await vi.waitFor(() => expect(restored.applied).toHaveLength(total));
        expect(restored.applied).toEqual(order);
      },
    ),
  );
});
