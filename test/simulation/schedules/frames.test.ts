/** Rules 8, 14 and 30: a frame is applied wholly and in its turn, whatever waits or throws. */
import { expect, it } from "vitest";
import { job } from "../../../dataflow/job.ts";
import { asyncOperator } from "../../../dataflow/operators/async-operator.ts";
import { OperatorRunner } from "../../../dataflow/operators/operator-runner.ts";
import { int64Codec } from "../../../dataflow/codecs/plain-codecs.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import { openHarness } from "../../../dataflow/testing/operator-harness.ts";
import { OutgoingChannel } from "../../../durable-objects/source/channel.ts";
import { type Breakage, patched } from "../mutants/mutant.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import { KEEPS_ITS_MEMORY } from "./breakages.ts";
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

async function enrichedAfterRestore(): Promise<readonly unknown[]> {
  const call = (id: number): Promise<readonly string[]> => Promise.resolve([`name ${id}`]);
  const harness = openHarness(asyncOperator("names", call), { keys: [() => "k"], clock: 1 });
  for (const id of [1, 2]) await harness.process(id, id);
  await harness.complete(harness.takeRequests()[0]!, ["name 1"]);
  const restored = harness.restarted();
  await restored.reissueRequests();
  for (const request of restored.takeRequests()) {
    await restored.complete(request, [`name ${String(request.record)}`]);
  }
  return restored.values();
}

it("[rule 14] a record that waits for its result is in state, and asked for again (operator alone)", async () => {
  expect(await enrichedAfterRestore()).toEqual(["name 2"]);
  const undo = patched(OperatorRunner.prototype, "reissueRequests", () => ({
    value: () => true,
  }));
  try {
    expect(await enrichedAfterRestore()).toEqual([]);
  } finally {
    undo();
  }
});
