/** Rule 44: what a barrier overtook is part of its checkpoint, once, and comes before anything new. */
import type { Acknowledgement } from "../../../durable-objects/messages.ts";
import { RestoredFrames } from "../../../durable-objects/partition/restored-frames.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import { asked, coordinatorForgets } from "../mutants/breakages.ts";
import { patched } from "../mutants/mutant.ts";
import { C, echo, P0, S0, VERTEX, wordCount, x } from "./cast.ts";
import { schedule } from "./play.ts";
import { AT_ONCE, giveRoom, takeRoom, WAITS_FOR_ROOM } from "./room.ts";
import type { Stage } from "./stage.ts";

/** Checkpoint 1, whose barrier overtook the frame of this line; then P0 loses its memory, and there still is no room. */
async function overtaken(stage: Stage, line: string): Promise<number> {
  takeRoom();
  await stage.post(S0, line);
  await stage.settle();
  const checkpoint = await stage.checkpoint();
  stage.loseMemory(P0);
  return checkpoint;
}

schedule("[rule 44] a frame that a barrier overtook is in its checkpoint, and applied once", {
  job: wordCount(AT_ONCE),
  conditions: [WAITS_FOR_ROOM],
  async play(stage) {
    const checkpoint = await overtaken(stage, x);
    giveRoom();
    await stage.wake(P0);
    return { checkpoint, offsets: stage.offsets(checkpoint), live: await stage.live(VERTEX) };
  },
  kept: { checkpoint: 1, offsets: [1], live: { [x]: 1 } },
  without: {
    "the checkpoint holds the state alone": {
      breakages: [mutantNamed("drops what a checkpoint holds in flight")],
      broken: { checkpoint: 1, offsets: [1], live: {} },
    },
    "the source sends it again": {
      breakages: [mutantNamed("applies what a checkpoint holds in flight twice")],
      broken: { checkpoint: 1, offsets: [1], live: { [x]: 2 } },
    },
  },
});

schedule(
  "[rule 44e] [rule 20] a partition has not caught up before what was in flight is applied",
  {
    job: wordCount(AT_ONCE),
    conditions: [WAITS_FOR_ROOM],
    async play(stage) {
      await overtaken(stage, x);
      await stage.wake(P0);
      await stage.pass(3_000);
      let seen: unknown;
      const request = { state: VERTEX, prefix: "", limit: 10, order: "key" } as const;
      const reading = stage.outside.partition(P0.task).scanState(request);
      void reading.then(
        (answer) => (seen = answer.kind === "page" ? answer.entries.length : answer.kind),
      );
      await stage.settle();
      const early = seen ?? "nothing yet";
      giveRoom();
      await stage.until("somebody reads", () => seen !== undefined);
      return { early, seen };
    },
    kept: { early: "nothing yet", seen: 1 },
    without: {
      "offsets are all that counts": {
        breakages: [
          {
            kind: "partition",
            patch: () =>
              patched(RestoredFrames.prototype, "areApplied", () => ({ get: () => true })),
          },
        ],
        broken: { early: 0, seen: 0 },
      },
    },
  },
);

/** 2 covers what was in flight in 1, which wrote no state; then P0 loses its memory again. */
schedule("[rule 44g] a checkpoint on one that holds frames says what has become of them", {
  job: echo(AT_ONCE),
  conditions: [WAITS_FOR_ROOM],
  async play(stage) {
    await overtaken(stage, "a");
    giveRoom();
    await stage.wake(P0);
    await stage.ask(() => stage.coordinator.requestCheckpoint({ waitMs: 0 }));
    await stage.completion(2);
    stage.loseMemory(P0);
    await stage.post(S0, "b");
    await stage.settle();
    await stage.checkpoint();
    return stage.values();
  },
  kept: ["a", "b"],
  without: {
    "it says that the state is unchanged": {
      breakages: [
        asked("coordinator", "acknowledge", (given: Acknowledgement) => {
          const { state: _state, ...unchanged } = given;
          return given.checkpoint === 2 ? unchanged : given;
        }),
      ],
      broken: ["a", "a", "b"],
    },
  },
});

/** Everything is applied, no line comes, and no offset moves. */
schedule("[rule 44d] what frames in flight emitted is committed though input is silent", {
  job: echo({ parallelism: 1, checkpoint: { ...AT_ONCE.checkpoint, intervalMs: 5_000 } }),
  conditions: [WAITS_FOR_ROOM],
  async play(stage) {
    await overtaken(stage, "a");
    stage.loseMemory(C);
    giveRoom();
    await stage.pass(30_000);
    return stage.values();
  },
  kept: ["a"],
  without: {
    "it counts as covered": {
      breakages: [coordinatorForgets("UPDATE job SET record = json_remove(record, '$.changes')")],
      broken: [],
    },
  },
});

/** 1 holds a frame, 2 holds none; the job is started from 1. */
schedule(
  "[rule 44i] what frames in flight emit is committed after a start from their checkpoint too",
  {
    job: echo({
      parallelism: 1,
      checkpoint: { ...AT_ONCE.checkpoint, intervalMs: 5_000, retained: 2 },
    }),
    conditions: [WAITS_FOR_ROOM],
    async play(stage) {
      await overtaken(stage, "a");
      giveRoom();
      await stage.completion(2);
      const how = { cancel: true, checkpoints: "retain", drain: false, savepoint: false } as const;
      await stage.ask(() => stage.coordinator.stop(how));
      await stage.ask(() => stage.coordinator.start({ from: { checkpoint: 1 } }));
      stage.loseMemory(C);
      await stage.pass(30_000);
      return stage.output();
    },
    kept: [
      { checkpoint: 2, output: "output", value: "a" },
      { checkpoint: 3, output: "output", value: "a" },
    ],
    without: {
      "it counts as covered": {
        breakages: [coordinatorForgets("UPDATE job SET record = json_remove(record, '$.changes')")],
        broken: [{ checkpoint: 2, output: "output", value: "a" }],
      },
    },
  },
);
