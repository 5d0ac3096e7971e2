/** Rules 8, 14 and 30: a frame is applied wholly and in its turn, whatever waits or throws. */
import { job } from "../../../dataflow/job.ts";
import { OperatorRunner } from "../../../dataflow/operators/operator-runner.ts";
import { int64Codec } from "../../../dataflow/codecs/plain-codecs.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import { OutgoingChannel } from "../../../durable-objects/source/channel.ts";
import { type Breakage, patched } from "../mutants/mutant.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import { KEEPS_ITS_MEMORY, replacing } from "../mutants/breakages.ts";
import { options, P0, P1, S0, VERTEX, wordCount, x, y } from "./cast.ts";
import { schedule } from "./play.ts";

/** How often the function has been given a record named "bad". */
let tries = 0;

/** Counts each record, and throws at the first "bad". */
function throwsOnce() {
  const count = valueState(VERTEX, int64Codec);
  return job("schedule", options({ parallelism: 1 }))
    .lines()
    .keyBy((word) => word)
    .process(VERTEX, {
      state: { count },
      process(word, { state }) {
        if (word === "bad" && tries++ === 0) throw new Error("This is the first time.");
        state.count.update((state.count.get() ?? 0) + 1);
      },
    })
    .output();
}

/** The third of four records of a frame throws, once. */
schedule("[rule 8a] nothing is left of a frame that threw in the middle", {
  job: throwsOnce,
  async play(stage) {
    tries = 0;
    await stage.post(S0, "a", "b", "bad", "c");
    await stage.pass(10_000);
    return stage.live(VERTEX);
  },
  kept: { a: 1, b: 1, bad: 1, c: 1 },
  without: {
    "the partition keeps what is applied": {
      breakages: [KEEPS_ITS_MEMORY],
      broken: { a: 2, b: 2, bad: 1, c: 1 },
    },
  },
});

/** A frame and the barrier behind it arrive together. */
schedule("[rule 8b] a barrier does not overtake a frame that waits", {
  job: wordCount(),
  async play(stage) {
    const frames = stage.hold({ from: S0, to: P0, call: "frame" });
    await stage.post(S0, `${x} ${y}`);
    await stage.until("the frame is on its way", () => frames.count > 0);
    const checkpoint = await stage.trigger();
    await stage.settle();
    frames.release();
    await stage.completion(checkpoint);
    return (await stage.stateAt(checkpoint))[VERTEX];
  },
  kept: { [x]: 1, [y]: 1 },
  without: {
    "the handler of a frame may be overtaken": {
      breakages: [mutantNamed("lets a barrier overtake the frames before it")],
      broken: { [y]: 1 },
    },
  },
});

/** The window of S0 → P0 is full; 1 is triggered, and P0 is as slow as before. */
schedule("[rule 30] a full window delays no barrier of another channel", {
  job: wordCount(),
  async play(stage) {
    const slow = stage.hold({ from: S0, to: P0, call: "frame" });
    for (let line = 0; line < 4; line++) {
      await stage.post(S0, `${x} ${y}`);
      await stage.settle();
    }
    await stage.trigger();
    await stage.settle();
    const toP1 = stage.script.count({ from: S0, to: P1, call: "barrier" });
    slow.release();
    return { barriersToP1: toP1 };
  },
  kept: { barriersToP1: 1 },
  without: {
    "channels take turns": {
      breakages: [waitingForTheSlowest()],
      broken: { barriersToP1: 0 },
    },
  },
});

/** A channel sends nothing while another one of the source has frames under way. */
function waitingForTheSlowest(): Breakage {
  const slowest = "partition/counts/0";
  return {
    kind: "source",
    patch: () => {
      const channels = new Set<OutgoingChannel>();
      return patched(OutgoingChannel.prototype, "flush", ({ value }) => ({
        value(this: OutgoingChannel) {
          channels.add(this);
          const name = `partition/${this.task.vertex}/${this.task.index}`;
          const isBlocked = [...channels].some((one) => one !== this && !one.hasRoom);
          if (name === slowest || !isBlocked) (value as () => void).call(this);
        },
      }));
    },
  };
}

/** Requests to the outside that nobody has answered yet. */
const asking: { readonly record: string; readonly answer: (name: string) => void }[] = [];

function enriched() {
  return job("schedule", options({ parallelism: 1 }))
    .lines()
    .keyBy((line) => line)
    .mapAsync(VERTEX, (record) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      asking.push({ record, answer: resolve });
      return promise;
    })
    .output();
}

/** The record is below the offset of 1, its result not here; P0 loses its memory. */
schedule("[rule 14] a record that waits for its result is in state, and asked for again", {
  job: enriched,
  async play(stage) {
    asking.length = 0;
    await stage.post(S0, "a");
    await stage.settle();
    await stage.checkpoint();
    stage.loseMemory(P0);
    await stage.post(S0, "b");
    await stage.settle();
    for (const { answer, record } of asking.splice(0)) answer(`${record}!`);
    await stage.settle();
    await stage.ask(() => stage.coordinator.requestCheckpoint({ waitMs: 10_000 }));
    return (await stage.values()).map(String).toSorted();
  },
  kept: ["a!", "b!"],
  without: {
    "a checkpoint holds no waiting records": {
      breakages: [replacing(OperatorRunner.prototype, "reissueRequests", () => true)],
      broken: ["b!"],
    },
  },
});
