/** Partitions that break the protocol. */
import { BarrierAlignment } from "../../../dataflow/keyed/alignment.ts";
import type {
  Barrier,
  ChannelAnswer,
  OpenChannelAnswer,
  SourceFrame,
} from "../../../durable-objects/messages.ts";
import type { QueuedFrame } from "../../../durable-objects/partition/incoming-host.ts";
import { RestoredFrames } from "../../../durable-objects/partition/restored-frames.ts";
import { SourceChannel } from "../../../durable-objects/partition/source-channel.ts";
import { type Mutant, patched, spread, withSql } from "./mutant.ts";
import {
  BAD_BUCKET,
  BAD_NETWORK,
  CRASHES_AND_UPLOADS,
  MANY_READS,
  REPOSITIONS,
  RESTORES_IN_FLIGHT,
} from "./worlds.ts";

type Push = RestoredFrames["push"];

/** Puts `instead` in the place of queueing a frame that was in flight. */
function inFlight(instead: (push: () => void, frame: QueuedFrame) => void): () => () => void {
  return () =>
    patched(RestoredFrames.prototype, "push", ({ value }) => ({
      value(this: RestoredFrames, loop: Parameters<Push>[0], ...rest: never[]) {
        const pushRestoredFrame = (channel: number, frame: QueuedFrame): void =>
          instead(() => loop.pushRestoredFrame(channel, { ...frame, applied: () => {} }), frame);
        (value as (...args: unknown[]) => void).call(this, { pushRestoredFrame }, ...rest);
      },
    }));
}

export const PARTITION_MUTANTS: readonly Mutant[] = [
  {
    name: "drops what a checkpoint holds in flight",
    rule: 44,
    world: RESTORES_IN_FLIGHT,
    kind: "partition",
    patch: inFlight((_push, frame) => frame.applied()),
  },
  {
    name: "applies what a checkpoint holds in flight twice",
    rule: 44,
    world: RESTORES_IN_FLIGHT,
    kind: "partition",
    patch: inFlight((push, frame) => {
      push();
      push();
      frame.applied();
    }),
  },
  {
    name: "applies a frame wherever it begins",
    rule: 1,
    world: REPOSITIONS,
    kind: "partition",
    methods: (logic) => ({
      async frame(argument) {
        const answer = (await logic["frame"]!(argument)) as ChannelAnswer;
        if (answer.kind !== "reposition") return answer;
        const { attempt, position } = answer.channel;
        return logic["frame"]!({ ...(argument as SourceFrame), attempt, from: position });
      },
    }),
  },
  {
    name: "does not align barriers",
    rule: 2,
    world: BAD_NETWORK,
    kind: "partition",
    patch: () => patched(BarrierAlignment.prototype, "isHeld", () => ({ value: () => false })),
  },
  {
    name: "lets a barrier overtake the frames before it",
    rule: 8,
    world: BAD_NETWORK,
    kind: "partition",
    methods: (logic) => ({
      // A call beside the channel: what is queued there comes after it.
      async frame(argument) {
        for (let turn = 0; turn < 20; turn++) await Promise.resolve();
        return logic["frame"]!(argument);
      },
      async barrier(argument) {
        const { source, generation } = argument as Barrier;
        const opened = (await logic["openChannel"]!({ source, generation })) as OpenChannelAnswer;
        if (opened.kind !== "open") return opened;
        const { session, position } = opened.channel;
        const barrier = { ...(argument as Barrier), session, offset: position.line };
        return logic["barrier"]!(barrier);
      },
    }),
  },
  {
    name: "answers live reads before it has caught up",
    rule: 20,
    world: MANY_READS,
    kind: "partition",
    patch: () => patched(SourceChannel.prototype, "hasCaughtUp", () => ({ get: () => true })),
  },
  {
    name: "takes a failed upload for a success",
    rule: 10,
    world: BAD_BUCKET,
    kind: "partition",
    context: (context) => ({
      ...spread(context),
      blobStore: {
        ...context.blobStore,
        put: (path, bytes, options) =>
          context.blobStore.put(path, bytes, options).catch(() => "written" as const),
      },
    }),
  },
  {
    name: "acknowledges before its upload has landed",
    rule: 10,
    world: BAD_BUCKET,
    kind: "partition",
    context: (context) => ({
      ...spread(context),
      blobStore: {
        ...context.blobStore,
        put: (path, bytes, options) => {
          void context.blobStore.put(path, bytes, options).catch(() => undefined);
          return Promise.resolve("written" as const);
        },
      },
    }),
  },
  {
    name: "does not note its uploads",
    rule: 10,
    world: CRASHES_AND_UPLOADS,
    kind: "partition",
    context: (context) =>
      withSql(context, (query) => (query.startsWith("INSERT INTO upload") ? [] : undefined)),
  },
];
