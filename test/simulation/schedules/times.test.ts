/** Rules 13, 15, 28 and 44: time belongs to a place in the log, and is part of every checkpoint. */
import { job } from "../../../dataflow/job.ts";
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { RecordPartitioner } from "../../../dataflow/record-partitioner.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import type { AttachPartitionAnswer } from "../../../durable-objects/messages.ts";
import { RestoredFrames } from "../../../durable-objects/partition/restored-frames.ts";
import { OutgoingChannel } from "../../../durable-objects/source/channel.ts";
import { Pump } from "../../../durable-objects/source/pump.ts";
import { answering, replacing } from "../mutants/breakages.ts";
import { options, P0, S0, S1, VERTEX, wordsFor, x, y } from "./cast.ts";
import { schedule } from "./play.ts";
import { AT_ONCE, giveRoom, takeRoom, WAITS_FOR_ROOM } from "./room.ts";
import { type Breakage, patched } from "../mutants/mutant.ts";

interface Origin {
  readonly watermark: number;
  readonly arrivalTime: number;
}

/** Records leave their source with something else than their own times. */
function stamping(change: (origin: Origin, now: () => number) => Partial<Origin>): Breakage {
  let now = (): number => 0;
  return {
    kind: "source",
    context(context) {
      now = () => context.environment.now();
      return context;
    },
    patch: () =>
      patched(RecordPartitioner.prototype, "add", ({ value }) => ({
        value(this: RecordPartitioner, edge: object, record: unknown, origin: Origin) {
          const changed = { ...origin, ...change(origin, now) };
          (value as (...given: unknown[]) => void).call(this, edge, record, changed);
        },
      })),
  };
}

const IDLENESS_MS = 5_000;

/** Lines are "time key"; how many of a key there were in each second of event time. */
function secondsOfKeys(given: JobOptionsInput = {}) {
  const times = watermarks
    .monotonousTimestamps(({ at }: { at: number }) => at)
    .withIdleness(IDLENESS_MS);
  return job("schedule", options(given))
    .lines()
    .map((line) => {
      const [at, key, rest] = line.split(" ");
      return { at: Number(at), key: key!, rest };
    })
    .assignTimestampsAndWatermarks(times)
    .keyBy(({ key }) => key)
    .window(tumblingWindows(1_000))
    .count(VERTEX, (count, { key, window }) => [`${window.start} ${key} ${count}`])
    .output();
}

/** As long as a frame, so that each line has one of its own. */
const [long] = wordsFor(0, 1, 2_000).map((word) => word.repeat(100)) as [string];

/** S0 has seen 3,500 when P0 wakes and its channel goes back to lines of 500. */
schedule("[rule 13a] a rewound channel has the time its lines had, and drops none as late", {
  job: secondsOfKeys(),
  async play(stage) {
    await stage.post(S0, `100 ${x}`);
    await stage.settle();
    await stage.checkpoint();
    for (const at of [500, 1_500, 2_500, 3_500]) await stage.post(S0, `${at} ${x} ${long}`);
    await stage.settle();
    stage.loseMemory(P0);
    await stage.wake(P0);
    await stage.checkpoint();
    return stage.values();
  },
  kept: [`0 ${x} 2`, `1000 ${x} 1`, `2000 ${x} 1`],
  without: {
    "frames carry the source's present time": {
      breakages: [
        {
          kind: "source",
          patch() {
            let present = -Infinity;
            return patched(OutgoingChannel.prototype, "addFrame", ({ value }) => ({
              value(this: OutgoingChannel, ...given: [object, object, number, number]) {
                const [to, bytes, arrivalTime, watermark] = given;
                present = Math.max(present, watermark);
                (value as (...as: unknown[]) => void).call(this, to, bytes, arrivalTime, present);
              },
            }));
          },
        },
      ],
      broken: [`0 ${x} 2`],
    },
  },
});

/** The window of 100 has fired with 1; P0 wakes; a straggler of 500 comes, late before as now. */
schedule("[rule 13b] a window that was committed is not opened again after a restore", {
  job: secondsOfKeys(),
  async play(stage) {
    await stage.post(S0, `100 ${x}`, `1500 ${x}`);
    await stage.settle();
    await stage.checkpoint();
    stage.loseMemory(P0);
    await stage.post(S0, `500 ${x}`, `2500 ${x}`);
    await stage.settle();
    await stage.checkpoint();
    return stage.values();
  },
  kept: [`0 ${x} 1`, `1000 ${x} 1`],
  without: {
    "neither a checkpoint nor a record holds watermarks": {
      breakages: [
        answering("coordinator", "attachPartition", (answer: AttachPartitionAnswer) => {
          if (answer.kind === "wait") return answer;
          const { watermark: _forgotten, ...restored } = answer.restored;
          return { ...answer, restored: { ...restored, watermarks: {} } };
        }),
        stamping(() => ({ watermark: -Infinity })),
      ],
      broken: [`0 ${x} 1`, `0 ${x} 1`, `1000 ${x} 1`],
    },
  },
});

/** P1 receives one record and nothing after it. */
schedule("[rule 13c] event time reaches partitions that no record comes to", {
  job: secondsOfKeys(),
  async play(stage) {
    await stage.post(S0, `100 ${y}`);
    await stage.settle();
    await stage.post(S0, `1500 ${x}`, `2500 ${x}`);
    await stage.settle();
    await stage.checkpoint();
    return (await stage.values()).map(String).toSorted();
  },
  kept: [`0 ${y} 1`, `1000 ${x} 1`].toSorted(),
  without: {
    "time travels with records only": {
      breakages: [
        replacing(OutgoingChannel.prototype, "advance", (original, _self, [to, arrivalTime]) =>
          original(to!, arrivalTime!, -Infinity as never),
        ),
      ],
      broken: [`1000 ${x} 1`],
    },
  },
});

/** S1 never has a line; later it has one and falls silent. */
schedule("[rule 28] a silent source does not stop event time for the others", {
  job: secondsOfKeys({ sources: 2 }),
  async play(stage) {
    await stage.post(S0, `100 ${x}`, `1500 ${x}`);
    await stage.settle();
    await stage.checkpoint();
    const beforeAnyLine = await stage.values();
    await stage.post(S1, `2000 ${x}`);
    await stage.settle();
    await stage.post(S0, `3500 ${x}`);
    await stage.settle();
    await stage.checkpoint();
    const whileItHoldsBack = await stage.values();
    await stage.pass(IDLENESS_MS + 2_000);
    await stage.post(S0, `4500 ${x}`);
    await stage.settle();
    await stage.checkpoint();
    return { beforeAnyLine, whileItHoldsBack, silent: await stage.values() };
  },
  kept: {
    beforeAnyLine: [`0 ${x} 1`],
    whileItHoldsBack: [`0 ${x} 1`, `1000 ${x} 1`],
    silent: [`0 ${x} 1`, `1000 ${x} 1`, `2000 ${x} 1`, `3000 ${x} 1`],
  },
  without: {
    "a channel that carried nothing is waited for": {
      breakages: [
        answering("coordinator", "attachPartition", (answer: AttachPartitionAnswer) => {
          if (answer.kind === "wait") return answer;
          const watermarks = { 0: -Infinity, 1: -Infinity, ...answer.restored.watermarks };
          return { ...answer, restored: { ...answer.restored, watermarks } };
        }),
      ],
      broken: {
        beforeAnyLine: [],
        whileItHoldsBack: [`0 ${x} 1`, `1000 ${x} 1`],
        silent: [`0 ${x} 1`, `1000 ${x} 1`, `2000 ${x} 1`, `3000 ${x} 1`],
      },
    },
    "a source that falls silent says nothing": {
      breakages: [replacing(Pump.prototype, "markIdle", () => undefined)],
      broken: {
        beforeAnyLine: [`0 ${x} 1`],
        whileItHoldsBack: [`0 ${x} 1`, `1000 ${x} 1`],
        silent: [`0 ${x} 1`, `1000 ${x} 1`],
      },
    },
  },
});

const MINUTE_MS = 60_000;

/** x at 0:00 and 0:20, kept 30 minutes from the last write; a crash, and the replay at 0:45. */
schedule("[rule 15] an outage does not change what expires", {
  job: job("schedule", options())
    .lines()
    .keyBy((word) => word)
    .count(VERTEX, { ttl: { ttlMs: 30 * MINUTE_MS } })
    .output(),
  async play(stage) {
    await stage.post(S0, x);
    await stage.settle();
    await stage.checkpoint();
    await stage.pass(20 * MINUTE_MS);
    await stage.post(S0, x);
    await stage.settle();
    stage.loseMemory(P0, S0);
    const lost = stage.hold({ from: S0, to: P0 });
    await stage.pass(25 * MINUTE_MS);
    lost.lose();
    await stage.wake(P0);
    await stage.pass(5_000);
    await stage.checkpoint();
    return (await stage.values()).at(-1);
  },
  kept: 2,
  without: {
    "time is what the clock says when a record is applied": {
      breakages: [stamping((_origin, now) => ({ arrivalTime: now() }))],
      broken: 1,
    },
  },
});

type Loop = Parameters<RestoredFrames["push"]>[0];
type Restored = Parameters<Loop["pushRestoredFrame"]>;

/** Frames that were in flight come back in another order. */
function restoring(order: (left: Restored, right: Restored) => number): Breakage {
  const patch = (): (() => void) =>
    patched(RestoredFrames.prototype, "push", ({ value }) => ({
      value(this: RestoredFrames, ...given: Parameters<RestoredFrames["push"]>) {
        const [loop, ...rest] = given;
        const pushed: Restored[] = [];
        const gathering = {
          pushRestoredFrame: (...one: Restored) => void pushed.push(one),
        };
        (value as RestoredFrames["push"]).call(this, gathering, ...rest);
        pushed.sort(order);
        for (const one of pushed) loop.pushRestoredFrame(...one);
      },
    }));
  return { kind: "partition", patch };
}

/** S1 was silent; its first frame stands before S0's second one, and a barrier overtakes both. */
schedule("[rule 44h] frames in flight are applied in the order in which they stood", {
  job: secondsOfKeys({ ...AT_ONCE, sources: 2 }),
  conditions: [WAITS_FOR_ROOM],
  async play(stage) {
    await stage.post(S0, `100 ${x}`);
    await stage.pass(IDLENESS_MS + 1_000);
    takeRoom();
    for (const [source, at] of [
      [S0, 1_500],
      [S1, 1_400],
      [S0, 3_500],
    ] as const) {
      await stage.post(source, `${at} ${x}`);
      await stage.settle();
    }
    await stage.checkpoint();
    stage.loseMemory(P0);
    giveRoom();
    for (const source of [S0, S1]) await stage.post(source, `4500 ${x}`);
    await stage.settle();
    await stage.checkpoint();
    return stage.values();
  },
  kept: [`0 ${x} 1`, `1000 ${x} 2`, `3000 ${x} 1`],
  without: {
    "each channel has its own": {
      breakages: [restoring(([left], [right]) => left - right)],
      broken: [`0 ${x} 1`, `1000 ${x} 1`, `3000 ${x} 1`],
    },
  },
});

/** The barrier that overtakes a frame of 1,500 says that it is 3,500. */
schedule("[rule 44c] what a barrier says of time stands behind the frames it overtook", {
  job: secondsOfKeys(AT_ONCE),
  conditions: [WAITS_FOR_ROOM],
  async play(stage) {
    takeRoom();
    for (const at of [1_500, 3_500]) {
      await stage.post(S0, `${at} ${x}`);
      await stage.settle();
    }
    await stage.checkpoint();
    stage.loseMemory(P0);
    giveRoom();
    await stage.post(S0, `4500 ${x}`);
    await stage.settle();
    await stage.checkpoint();
    return stage.values();
  },
  kept: [`1000 ${x} 1`, `3000 ${x} 1`],
  without: {
    "it is said before them": {
      breakages: [
        restoring(
          ([, { frame: left }], [, { frame: right }]) =>
            Number(left.bytes.length > 0) - Number(right.bytes.length > 0),
        ),
      ],
      broken: [`3000 ${x} 1`],
    },
  },
});
