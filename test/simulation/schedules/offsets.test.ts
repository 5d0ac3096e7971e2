/** Rule 2: one offset per source and checkpoint, durable before the first barrier leaves. */
import { SourceChannel } from "../../../durable-objects/partition/source-channel.ts";
import { BatchCutter } from "../../../durable-objects/source/batch.ts";
import { OutgoingChannel } from "../../../durable-objects/source/channel.ts";
import { Pump } from "../../../durable-objects/source/pump.ts";
import { type Breakage, patched, withSql } from "../mutants/mutant.ts";
import { C, P0, P1, S0, VERTEX, wordCount, x, y } from "./cast.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

const TAKES_BARRIERS_WHEREVER_IT_IS: Breakage = {
  kind: "partition",
  patch: () =>
    patched(SourceChannel.prototype, "judgeBarrier", () => ({
      value(this: SourceChannel, { checkpoint }: { checkpoint: number }) {
        return checkpoint <= this.lastBarrier ? "known" : "next";
      },
    })),
};

/** S0 → P0 stands at 4, S0 → P1 at 2, when the checkpoint is triggered. */
schedule("[rule 2a] a checkpoint stands at the furthest line any channel was cut to", {
  job: wordCount(),
  async play(stage) {
    await stage.post(S0, `${x} ${y}`, `${x} ${y}`);
    await stage.settle();
    stage.loseMemory(P1);
    const waking = stage.hold({ from: P1, to: C, call: "attachPartition" });
    await stage.post(S0, `${x} ${y}`, `${x} ${y}`);
    await stage.settle();
    const checkpoint = await stage.trigger();
    await stage.settle();
    waking.release();
    const decision = await stage.decision(checkpoint);
    await stage.pass(5_000);
    return {
      decision,
      offset: stage.offsets(checkpoint)[0],
      state: (await stage.stateAt())[VERTEX],
    };
  },
  kept: { decision: "completed", offset: 4, state: { [x]: 4, [y]: 4 } },
  without: {
    "the offset is where the slowest channel is": {
      breakages: [
        TAKES_BARRIERS_WHEREVER_IT_IS,
        {
          kind: "source",
          patch: () =>
            patched(Pump.prototype, "reach", () => ({
              get(this: Pump) {
                return { line: this.processedLine, record: 0 };
              },
            })),
        },
      ],
      // P0 is beyond the offset and stays there: its barrier finds no place.
      broken: { decision: "given up", state: { [x]: 4, [y]: 4 } },
    },
  },
});

/** S0 sends barrier 1 to P0 and dies; C repeats the trigger; S0 now stands further. */
schedule("[rule 2b] a repeated trigger is answered with the offset that was fixed before", {
  job: wordCount(),
  async play(stage) {
    await stage.post(S0, `${x} ${y}`, `${x} ${y}`);
    await stage.settle();
    const answer = stage.hold({ from: C, to: S0, call: "triggerCheckpoint", answer: true });
    const toP1 = stage.hold({ from: S0, to: P1, call: "barrier" });
    const checkpoint = await stage.trigger();
    await stage.until("P0 has acknowledged", () => stage.hasAcknowledged(P0, checkpoint));
    stage.loseMemory(S0);
    answer.lose();
    toP1.lose();
    await stage.post(S0, `${x} ${y}`);
    await stage.completion(checkpoint);
    const { [VERTEX]: state } = await stage.stateAt(checkpoint);
    return { state, offsets: stage.offsets(checkpoint) };
  },
  kept: { state: { [x]: 2, [y]: 2 }, offsets: [2] },
  without: {
    "the offset is kept in memory": {
      breakages: [
        {
          kind: "source",
          context: (context) =>
            withSql(context, (query, bindings) => {
              if (!query.startsWith("INSERT OR REPLACE INTO standing")) return undefined;
              const standing = JSON.parse(bindings[0] as string) as object;
              return context.sql.exec(query, JSON.stringify({ ...standing, pending: null }));
            }),
        },
      ],
      broken: { state: { [x]: 2, [y]: 3 }, offsets: [3] },
    },
  },
});

/** 1 is pending with S0@2, P0 wakes and rewinds; S0 goes on behind the offset. */
async function rewoundChannel(stage: Stage): Promise<unknown> {
  await stage.post(S0, `${x} ${y}`, `${x} ${y}`);
  await stage.settle();
  const upload = stage.hold({ from: P0, to: C, call: "acknowledge" });
  const toP1 = stage.hold({ from: S0, to: P1, call: "barrier" });
  const checkpoint = await stage.trigger();
  await stage.until("P0 has its barrier", () => upload.count > 0);
  stage.loseMemory(P0);
  upload.lose();
  await stage.post(S0, `${x} ${y}`, `${x} ${y}`);
  await stage.settle();
  toP1.release();
  if ((await stage.decision(checkpoint)) === "given up") return "given up";
  return (await stage.stateAt(checkpoint))[VERTEX];
}

const REWOUND_TO_TWO = { [x]: 2, [y]: 2 };

schedule("[rule 2c] a rewound channel delivers the barrier again, exactly at its offset", {
  job: wordCount({ checkpoint: { timeoutMs: 20_000 } }),
  play: rewoundChannel,
  kept: REWOUND_TO_TWO,
  without: {
    "a barrier that was sent is not sent again": {
      breakages: [
        {
          kind: "source",
          patch: () => {
            const sent = new WeakMap<OutgoingChannel, number>();
            const undo = patched(OutgoingChannel.prototype, "addBarrier", ({ value }) => ({
              value(this: OutgoingChannel, pending: { checkpoint: number }) {
                sent.set(this, pending.checkpoint);
                (value as (one: object) => void).call(this, pending);
              },
            }));
            const undoNeeds = patched(OutgoingChannel.prototype, "needsBarrier", () => ({
              value(this: OutgoingChannel, checkpoint: number) {
                return this.isOpen && (sent.get(this) ?? 0) < checkpoint;
              },
            }));
            return () => [undo, undoNeeds].forEach((one) => one());
          },
        },
      ],
      broken: "given up",
    },
  },
});

schedule("[rule 2d] no frame crosses the offset of a pending barrier", {
  job: wordCount({ checkpoint: { timeoutMs: 20_000 } }),
  play: rewoundChannel,
  kept: REWOUND_TO_TWO,
  without: {
    "a replay is cut into frames as large as they get": {
      breakages: [
        {
          kind: "source",
          patch: () =>
            patched(BatchCutter.prototype, "cut", ({ value }) => ({
              value(this: BatchCutter, request: object) {
                return (value as (one: object) => unknown).call(this, {
                  ...request,
                  toLine: Infinity,
                });
              },
            })),
        },
      ],
      broken: "given up",
    },
  },
});
