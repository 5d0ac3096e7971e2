/** Rule 3: waking up while a checkpoint is pending decides it, so that a partition has one lineage. */
import { job } from "../../../dataflow/job.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import {
  C,
  options,
  P0,
  P1,
  partition,
  S0,
  S1,
  VERTEX,
  wordCount,
  wordsFor,
  x,
  y,
} from "./cast.ts";
import { failure, schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

const LEAVES_IT_PENDING = mutantNamed(
  "leaves the pending checkpoint standing when a partition that acknowledged it attaches",
);

/** More than travels in a manifest, for each of the two. */
const [forP0, forP1] = [0, 1].map((index) => wordsFor(index, 40, 1_000).join(" ")) as [
  string,
  string,
];
const RETAINS_ONE = { checkpoint: { retained: 1, mode: "full" as const } };

/** 1 completed; P0 has acknowledged 2, P1 has not; P0 loses its memory and attaches. */
async function wakesBetween(
  stage: Stage,
  answered: boolean,
): Promise<{ readonly goOn: () => void }> {
  await stage.post(S0, `${forP0} ${forP1}`);
  await stage.settle();
  await stage.checkpoint();
  await stage.post(S0, `${forP0} ${forP1}`);
  await stage.settle();
  const fromP1 = stage.hold({ from: P1, to: C, call: "acknowledge" });
  const answer = stage.hold({ from: P0, to: C, call: "acknowledge", answer: true });
  const second = await stage.trigger();
  await stage.until("P0 has acknowledged", () => stage.hasAcknowledged(P0, second));
  await stage.until("P1 is about to", () => fromP1.count > 0);
  if (answered) answer.release();
  await stage.settle();
  stage.loseMemory(P0);
  answer.lose();
  return { goOn: () => fromP1.release() };
}

function isTwice(counts: Readonly<Record<string, unknown>> = {}): string {
  const values = Object.values(counts);
  return `${values.filter((count) => count === 2).length} of ${values.length} words twice`;
}

schedule("[rule 3a] no table is swept that a partition restored from an older checkpoint uses", {
  job: wordCount(RETAINS_ONE),
  async play(stage) {
    const { goOn } = await wakesBetween(stage, true);
    const again = stage.hold({ from: S0, to: P0, call: "barrier" });
    await stage.wake(P0);
    goOn();
    await stage.pass(5_000);
    again.release();
    return isTwice(await stage.live(VERTEX));
  },
  kept: "80 of 80 words twice",
  without: {
    "the pending checkpoint goes on": {
      breakages: [LEAVES_IT_PENDING],
      broken: failure("is gone"),
    },
  },
});

schedule("[rule 3b] an upload is not deleted as long as a checkpoint may still name it", {
  job: wordCount(RETAINS_ONE),
  async play(stage) {
    const { goOn } = await wakesBetween(stage, false);
    await stage.wake(P0);
    goOn();
    await stage.until("2 or 3 completes", () => stage.record.completed > 1);
    return isTwice((await stage.stateAt())[VERTEX]);
  },
  kept: "80 of 80 words twice",
  without: {
    "the pending checkpoint goes on": {
      breakages: [LEAVES_IT_PENDING],
      broken: failure("is gone"),
    },
  },
});

schedule("[rule 3c] the log keeps what a partition that woke up is to be sent again", {
  job: wordCount(RETAINS_ONE),
  async play(stage) {
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    await stage.checkpoint();
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    const fromP1 = stage.hold({ from: P1, to: C, call: "acknowledge" });
    const second = await stage.trigger();
    await stage.until("P0 has acknowledged", () => stage.hasAcknowledged(P0, second));
    stage.loseMemory(P0);
    const opening = stage.hold({ from: S0, to: P0, call: "openChannel", answer: true });
    const rewinding = stage.hold({ from: P0, to: S0, call: "rewind" });
    await stage.pass(500);
    fromP1.release();
    await stage.pass(500);
    opening.release();
    rewinding.release();
    await stage.pass(3_000);
    const failures = stage.rows(C, "SELECT number FROM exception").length;
    return { failures, live: await stage.live(VERTEX) };
  },
  kept: { failures: 0, live: { [x]: 2, [y]: 2 } },
  without: {
    "the pending checkpoint goes on": {
      breakages: [LEAVES_IT_PENDING],
      broken: { failures: 1, live: { [x]: 2, [y]: 2 } },
    },
  },
});

const L0 = partition("last", 0);

/** The last value of each key, whichever source said it. */
function lastValue() {
  return job("schedule", options({ parallelism: 1, sources: 2 }))
    .lines()
    .map((value) => ({ key: "k", value }))
    .keyBy(({ key }) => key)
    .reduce("last", (_before, after) => after)
    .mapValue(({ value }) => value)
    .output();
}

const ANY_ATTEMPT = mutantNamed("counts the acknowledgement of an attempt that is over");

schedule("[rule 3d] [rule 3e] the acknowledgement of an attempt that is over counts for nothing", {
  job: lastValue(),
  async play(stage) {
    await stage.post(S1, "new");
    await stage.settle();
    await stage.post(S0, "old");
    await stage.settle();
    const late = stage.hold({ from: L0, to: C, call: "acknowledge" });
    await stage.trigger();
    await stage.until("the acknowledgement is on its way", () => late.count > 0);
    stage.loseMemory(L0);
    // The new attempt meets the same lines the other way round.
    const fromS1 = stage.hold({ from: S1, to: L0, call: ["frame", "openChannel"] });
    await stage.pass(1_000);
    fromS1.release();
    await stage.pass(1_000);
    late.release();
    await stage.until("a checkpoint completes", () => stage.record.completed > 0);
    await stage.pass(1_000);
    const committed = (await stage.output()).at(-1)?.value;
    const { k } = await stage.live("last");
    return { committed, live: (k as { value: string }).value };
  },
  kept: { committed: "new", live: "new" },
  without: {
    "any attempt may acknowledge": {
      breakages: [ANY_ATTEMPT],
      broken: { committed: "old", live: "new" },
    },
  },
});
