/**
 * Rule 44: which frames a barrier may overtake, what becomes of their numbers, and that a job ends with
 * none in flight. What comes of them after a restore: in-flight.test.ts.
 */
import type { InFlightFrame } from "../../../dataflow/in-flight-frames.ts";
import { job } from "../../../dataflow/job.ts";
import { ApplyLoop } from "../../../dataflow/keyed/apply-loop.ts";
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import type { RetainedCheckpoint } from "../../../durable-objects/coordinator/rows.ts";
import type { Barrier, CheckpointTrigger } from "../../../durable-objects/messages.ts";
import { PartitionCheckpoints } from "../../../durable-objects/partition/checkpoint.ts";
import type { QueuedFrame } from "../../../durable-objects/partition/incoming-host.ts";
import { OutgoingChannel } from "../../../durable-objects/partition/outgoing-channel.ts";
import type {
  VertexBarrier,
  VertexFrame,
  VertexPosition,
} from "../../../durable-objects/vertex-messages.ts";
import { asked, replacing } from "../mutants/breakages.ts";
import { type Breakage, withSql } from "../mutants/mutant.ts";
import { C, echo, options, P0, partition, S0, S1, VERTEX, wordsFor } from "./cast.ts";
import { schedule } from "./play.ts";
import { AT_ONCE, giveRoom, takeRoom, WAITS_FOR_ROOM } from "./room.ts";
import type { Stage } from "./stage.ts";

type Loop = ApplyLoop<QueuedFrame, Barrier>;
type Aligned = Parameters<PartitionCheckpoints["aligned"]>;
type Added = Parameters<OutgoingChannel["addFrame"]>;
type Kept = ReturnType<OutgoingChannel["before"]>[number];

/** The loop is asked what stands before a barrier where overtaking is decided, and again where it is done. */
const GOES_BY_THE_FIRST: Breakage = replacing(
  ApplyLoop.prototype,
  "before",
  (original, _self, given) => (original(...given) as ReturnType<Loop["before"]>) ?? [],
);

/** What comes on a channel between the first barrier and its own is written down, however much that is. */
function recordingTheRest(channels: number): readonly Breakage[] {
  const arrived = new Set<number>();
  const recorded: InFlightFrame[] = [];
  const { promise, resolve } = Promise.withResolvers<readonly InFlightFrame[]>();
  let isRecording = false;
  return [
    GOES_BY_THE_FIRST,
    replacing(PartitionCheckpoints.prototype, "aligned", (original, _self, given) => {
      const [checkpoint, { incoming }] = given as unknown as Aligned;
      isRecording = true;
      original(...([checkpoint, { incoming, outgoing: promise }] as never[]));
    }),
    replacing(ApplyLoop.prototype, "pushFrame", (original, _self, given) => {
      const [number, { channel, frame }] = given as unknown as Parameters<Loop["pushFrame"]>;
      const { arrivalTime, bytes, isIdle = false, watermark } = frame;
      if (isRecording && !arrived.has(number)) {
        recorded.push({ direction: "in", channel, bytes, arrivalTime, watermark, isIdle });
      }
      original(...given);
    }),
    asked("partition", "barrier", (barrier: Barrier) => {
      arrived.add(barrier.source);
      if (arrived.size === channels) resolve(recorded);
      return barrier;
    }),
  ];
}

/** No memory makes less of what a barrier may overtake. */
const LEAST_LIMIT_BYTES = 1024 * 1024;
const LINES = wordsFor(0, 400, 4_000);

/** P0 takes 400 lines of S1 once more, 1.6 MB; the barrier of S0, which had one line, is there before them. */
schedule("[rule 44a] a barrier overtakes only when it has come on every channel", {
  job: echo({ ...AT_ONCE, sources: 2 }),
  memoryBytes: 4 * LEAST_LIMIT_BYTES,
  async play(stage) {
    await stage.post(S0, "a");
    for (const part of [LINES.slice(0, 200), LINES.slice(200)]) await stage.post(S1, ...part);
    await stage.settle();
    stage.loseMemory(P0);
    const again = stage.hold({ from: S1, to: P0, call: ["frame", "barrier"] });
    await stage.wake(P0);
    const checkpoint = await stage.trigger();
    await stage.settle();
    again.release();
    await stage.completion(checkpoint);
    const detail = await stage.ask(() => stage.coordinator.checkpointDetail(checkpoint));
    const isBounded = Number(detail!["persisted_data"]) <= LEAST_LIMIT_BYTES;
    stage.loseMemory(P0);
    await stage.post(S0, "b");
    await stage.pass(5_000);
    await stage.checkpoint();
    return { checkpoint, isBounded, lines: (await stage.values()).length };
  },
  kept: { checkpoint: 1, isBounded: true, lines: 402 },
  without: {
    "it goes by the first, and what comes on the others then is behind it": {
      breakages: [GOES_BY_THE_FIRST],
      broken: { checkpoint: 1, isBounded: true, lines: 2 },
    },
    "it goes by the first, and what comes on the others until theirs is in flight": {
      breakages: recordingTheRest(2),
      broken: { checkpoint: 1, isBounded: false, lines: 402 },
    },
  },
});

const A0 = partition("first", 0);
const B0 = partition("second", 0);

/** Every line goes through one vertex, and is a result of the next. */
function pipeline(given: JobOptionsInput) {
  return job("schedule", options(given))
    .lines()
    .keyBy((line) => line)
    .process("first", { process: (line) => [line] })
    .keyBy((line) => line)
    .process("second", { process: (line) => [line.slice(0, 1)] })
    .output();
}

/** A0 has sent the frame of a, and the connection breaks before it hears that B0 has it. */
schedule("[rule 44b] a barrier overtakes no frame that its receiver may have", {
  job: pipeline(AT_ONCE),
  async play(stage) {
    const answer = stage.hold({ from: A0, to: B0, call: "vertexFrame", answer: true });
    await stage.post(S0, "a");
    await stage.until("B0 has it", () => answer.count > 0);
    const opening = stage.hold({ from: A0, to: B0, call: "openVertexChannel" });
    answer.lose();
    await stage.settle();
    const checkpoint = await stage.trigger();
    await stage.settle();
    opening.release();
    await stage.completion(checkpoint);
    stage.loseMemory(A0, B0);
    await stage.post(S0, "b");
    await stage.settle();
    await stage.checkpoint();
    return { checkpoint, values: await stage.values() };
  },
  kept: { checkpoint: 1, values: ["a", "b"] },
  without: {
    "it overtakes what the receiver has not said that it applied": {
      breakages: overtakingWhatWasSent(),
      broken: { checkpoint: 1, values: ["a", "a", "b"] },
    },
  },
});

/** a is under way to B0, and A0 does not hear of it; there is no credit for b beside it. */
schedule("[rule 44b] frames that a barrier overtook on the way out are numbered behind it", {
  job: pipeline(AT_ONCE),
  memoryBytes: 1024 * 1024,
  async play(stage) {
    const answers = stage.hold({ from: A0, to: B0, call: "vertexFrame", answer: true });
    for (const line of ["a", "b"]) {
      await stage.post(S0, line.repeat(80_000));
      await stage.settle();
    }
    const checkpoint = await stage.checkpoint();
    const before = await stage.values();
    answers.release();
    await stage.post(S0, "c");
    await stage.settle();
    await stage.checkpoint();
    return { checkpoint, before, after: await stage.values() };
  },
  kept: { checkpoint: 1, before: ["a"], after: ["a", "b", "c"] },
  without: {
    "they keep their numbers, and what comes behind the barrier is counted from it": {
      breakages: keepingTheirNumbers(),
      broken: { checkpoint: 1, before: ["a"], after: ["a", "c"] },
    },
  },
});

/** Frames a channel has not heard the end of: the newest ones, as many as it keeps bytes. */
function overtakingWhatWasSent(): readonly Breakage[] {
  const added = new Map<OutgoingChannel, Kept[]>();
  return [
    replacing(OutgoingChannel.prototype, "addFrame", (original, self, given) => {
      const [bytes, arrivalTime, mark] = given as unknown as Added;
      added.set(self, [{ bytes, arrivalTime, mark }, ...(added.get(self) ?? [])]);
      original(...given);
    }),
    replacing(OutgoingChannel.prototype, "before", (_original, self) => {
      let left = self.bytesKept;
      const newest = added.get(self) ?? [];
      return newest.filter(({ bytes }) => (left -= bytes.length) >= 0).toReversed();
    }),
  ];
}

/** Of one channel. The frames that come later count on from the barrier: a gap would be noticed [6]. */
function keepingTheirNumbers(): readonly Breakage[] {
  const kept = new Map<string, VertexPosition>();
  const overtaken = new Map<number, number>();
  const renumbered = (item: VertexFrame | VertexBarrier): VertexFrame | VertexBarrier => {
    const { barrier, index } = item.position;
    const known = "bytes" in item ? kept.get(item.bytes.join()) : undefined;
    const position = known ?? { barrier, index: index - (overtaken.get(barrier) ?? 0) };
    return { ...item, position };
  };
  return [
    replacing(OutgoingChannel.prototype, "overtake", (original, self, given) => {
      const [checkpoint] = given as unknown as [number];
      // They are the channel's own items, which say where they stand.
      const frames = self.before(checkpoint) as readonly (Kept & Pick<VertexFrame, "position">)[];
      for (const { bytes, position } of frames) kept.set(bytes.join(), position);
      overtaken.set(checkpoint, frames.length);
      original(...given);
    }),
    asked("partition", "vertexFrame", renumbered),
    asked("partition", "vertexBarrier", renumbered),
  ];
}

/** The job is asked to stop while P0 has no room, and gets other code before it is started again. */
async function stopped(stage: Stage): Promise<unknown> {
  let isStopped = false;
  const stopping = stage.coordinator.stop({ drain: false, savepoint: false });
  void stopping.then(({ kind }) => (isStopped = kind === "stopped"));
  await stage.pass(3_000);
  giveRoom();
  await stage.until("the job is stopped", () => isStopped);
  for (const object of [C, S0, partition("renamed", 0)]) stage.deployTo(object, 2);
  const { completed: from } = stage.record;
  const start = await stage.ask(() => stage.coordinator.start({ from: { checkpoint: from } }));
  return { from, start: start.kind, values: await stage.values() };
}

/** In the second version the vertex has another name. */
function renamed(codeVersion: string) {
  return job("schedule", options(AT_ONCE))
    .lines()
    .keyBy((line) => line)
    .process(codeVersion === "version-1" ? VERTEX : "renamed", { process: (line) => [line] })
    .output();
}

const OVERTAKES_AT_THE_END_TOO: Breakage = asked(
  "source",
  "triggerCheckpoint",
  (trigger: CheckpointTrigger) => ({ ...trigger, alignmentTimeoutMs: 0 }),
);

/** A checkpoint does not say whether it holds frames. */
const ENDS_WITH_ANY: Breakage = {
  kind: "coordinator",
  context: (context) =>
    withSql(context, (query, bindings) => {
      if (!query.startsWith("SELECT data FROM retained")) return undefined;
      return context.sql.exec<{ data: string }>(query, ...bindings).map(({ data }) => {
        const { isUnaligned: _said, ...silent } = JSON.parse(data) as RetainedCheckpoint;
        return { data: JSON.stringify(silent) };
      });
    }),
};

/** A line of S0 waits before P0, which has no room for it. */
async function pressAgainstP0(stage: Stage): Promise<void> {
  takeRoom();
  await stage.post(S0, "a");
  await stage.settle();
}

schedule("[rule 44f] a job that is stopped under back-pressure ends with nothing in flight", {
  job: renamed,
  conditions: [WAITS_FOR_ROOM],
  async play(stage) {
    await pressAgainstP0(stage);
    return stopped(stage);
  },
  kept: { from: 1, start: "started", values: ["a"] },
  without: {
    "its last barriers overtake, and nobody looks what the checkpoint holds": {
      breakages: [OVERTAKES_AT_THE_END_TOO, ENDS_WITH_ANY],
      broken: { from: 1, start: "refused", values: [] },
    },
  },
});

/** P0's acknowledgement of 1, whose barrier overtook, is on its way when the job is asked to stop. */
schedule("[rule 44f] a checkpoint that holds frames is not the last, though it covers every line", {
  job: renamed,
  conditions: [WAITS_FOR_ROOM],
  async play(stage) {
    await pressAgainstP0(stage);
    const acknowledging = stage.hold({ from: P0, to: C, call: "acknowledge" });
    await stage.trigger();
    await stage.until("P0 acknowledges", () => acknowledging.count > 0);
    const arrive = (): void => acknowledging.release();
    stage.world.scheduler.schedule(1_000, "P0's acknowledgement arrives", arrive);
    return stopped(stage);
  },
  kept: { from: 2, start: "started", values: ["a"] },
  without: {
    "whatever covers the lines is the last": {
      breakages: [ENDS_WITH_ANY],
      broken: { from: 1, start: "refused", values: [] },
    },
  },
});
