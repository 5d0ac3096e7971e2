/** Rules 4, 5 and 6: ids that are never used twice, one code version, and going back together. */
import { job } from "../../../dataflow/job.ts";
import type { CoordinatorCalls } from "../../../durable-objects/messages.ts";
import { OutgoingVertices } from "../../../durable-objects/partition/outgoing-vertices.ts";
import { type Breakage, patched, spread } from "../mutants/mutant.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import {
  C,
  options,
  P0,
  P1,
  partition,
  partitionOf,
  S0,
  VERTEX,
  wordCount,
  wordsFor,
  x,
  y,
} from "./cast.ts";
import { KEEPS_ITS_MEMORY } from "../mutants/breakages.ts";
import { failure, schedule } from "./play.ts";
import { Stage } from "./stage.ts";

/** P0's acknowledgement of 1 is on its way when 1 is given up; the next checkpoint stands further. */
schedule("[rule 4a] the number of a checkpoint that was given up is never used again", {
  job: wordCount({ checkpoint: { timeoutMs: 10_000 } }),
  async play(stage) {
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    const late = stage.hold({ from: P0, to: C, call: "acknowledge" });
    const toP1 = stage.hold({ from: S0, to: P1, call: "barrier" });
    const deaf = stage.hold({ from: C, to: P1, call: "abortCheckpoint" });
    const first = await stage.trigger();
    await stage.until("P0's acknowledgement is on its way", () => late.count > 0);
    await stage.decision(first);
    stage.loseMemory(C);
    await stage.post(S0, `${x} ${y}`);
    toP1.lose();
    await stage.until("the next one is triggered", () => stage.record.pending !== undefined);
    const { id } = stage.record.pending!;
    late.release();
    await stage.completion(id);
    deaf.release();
    return { isNew: id > first, state: (await stage.stateAt(id))[VERTEX] };
  },
  kept: { isNew: true, state: { [x]: 2, [y]: 2 } },
  without: {
    "the next number is one above the latest completed": {
      breakages: [mutantNamed("uses a checkpoint's number again after an abort")],
      broken: { isNew: false, state: { [x]: 1, [y]: 2 } },
    },
  },
});

/** Every coordinator of this name calls its job by the same incarnation. */
const ONE_INCARNATION: Breakage = {
  kind: "coordinator",
  context: (context) => {
    const { environment } = context;
    return { ...spread(context), environment: { ...environment, newId: () => "incarnation" } };
  },
};

schedule("[rule 4b] a job made anew over an old bucket does not meet its own old manifests", {
  job: wordCount({ checkpoint: { timeoutMs: 10_000 } }),
  async play(stage) {
    await stage.post(S0, x);
    await stage.settle();
    await stage.checkpoint();
    const { bucket } = stage.world;
    const blobs = new Map(bucket.paths.map((path) => [path, bucket.read(path)!]));
    const again = new Stage({ ...stage.options, seed: 2, bucket: blobs });
    try {
      return await again.world.watch(async () => {
        await again.post(S0, y);
        await again.settle();
        return again.decision(await again.trigger());
      });
    } finally {
      again.close();
    }
  },
  kept: "completed",
  without: { "paths begin with the name": { breakages: [ONE_INCARNATION], broken: "given up" } },
});

/** A hyphenated word of P0, whose halves belong to P1. */
const [half, other] = wordsFor(1, 200)
  .flatMap((one) => wordsFor(1, 200).map((two) => [one, two] as const))
  .find(([one, two]) => one !== two && partitionOf(`${one}+${two}`) === 0)!;

schedule("[rule 5b] code of two versions never counts the same line, half each", {
  job: (codeVersion) =>
    job("schedule", options())
      .lines()
      .flatMap((line) => (codeVersion === "version-1" ? line.split("+") : [line]))
      .keyBy((word) => word)
      .count(VERTEX),
  async play(stage) {
    await stage.post(S0, `${half}+${other}`);
    await stage.settle();
    for (const object of [P0, S0]) stage.deployTo(object, 2);
    await stage.wake(P0);
    await stage.ask(() => stage.coordinator.requestCheckpoint({ waitMs: 0 }));
    await stage.pass(3_000);
    for (const object of [C, P1]) stage.deployTo(object, 2);
    await stage.pass(5_000);
    return stage.live(VERTEX);
  },
  kept: { [`${half}+${other}`]: 1 },
  without: {
    "the generation knows nothing of code": {
      breakages: (["partition", "source", "coordinator"] as const).map((kind): Breakage => ({
        kind,
        context: (context) => ({ ...spread(context), codeVersion: "any" }),
      })),
      broken: { [half]: 1, [other]: 1, [`${half}+${other}`]: 1 },
    },
  },
});

/** A word count, and behind it how many words occur how often. */
function countOfCounts() {
  return job("schedule", options({ parallelism: 1 }))
    .lines()
    .keyBy((word) => word)
    .count("counts")
    .keyBy((count) => count, "integer")
    .count("groups");
}

const B0 = partition("groups", 0);

const RESTORES_ALONE: Breakage = {
  kind: "partition",
  patch: () =>
    patched(OutgoingVertices.prototype, "cannotServe", () => ({ value: () => undefined })),
};

schedule("[rule 6a] a partition fed by another one does not restore alone", {
  job: countOfCounts(),
  async play(stage) {
    await stage.post(S0, "a", "b");
    await stage.settle();
    await stage.checkpoint();
    await stage.post(S0, "a");
    await stage.settle();
    stage.loseMemory(B0);
    await stage.post(S0, "c");
    await stage.pass(5_000);
    return stage.live("groups");
  },
  kept: { 1: 2, 2: 1 },
  without: {
    "it restores, and refuses the gap for ever": {
      breakages: [RESTORES_ALONE],
      broken: failure("somebody outside is answered"),
    },
  },
});

/** 1 completed at line 1, line 2 is applied; a failure takes the job back to 1. */
schedule("[rule 6b] a task adopts a generation only together with the checkpoint to restore", {
  job: wordCount(),
  async play(stage) {
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    await stage.checkpoint();
    await stage.post(S0, `${x} ${y}`);
    await stage.settle();
    await stage.failTask();
    await stage.pass(5_000);
    return { generation: stage.record.generation, live: await stage.live(VERTEX) };
  },
  kept: { generation: 2, live: { [x]: 2, [y]: 2 } },
  without: {
    "it adopts the generation and goes back on its channels": {
      breakages: [KEEPS_ITS_MEMORY],
      broken: { generation: 2, live: { [x]: 3, [y]: 3 } },
    },
  },
});

/** 2 = {B} is acknowledged by P0 and holds all of 1 = {A}; the job goes back to 1. */
schedule("[rule 6c] going back opens the checkpoint's tables, and does not drop the newer ones", {
  job: wordCount({ checkpoint: { mode: "full" } }),
  async play(stage) {
    for (let round = 0; round < 2; round++) {
      await stage.post(S0, `${x} ${y}`);
      await stage.settle();
      if (round === 0) await stage.checkpoint();
    }
    const fromP1 = stage.hold({ from: P1, to: C, call: "acknowledge" });
    const second = await stage.trigger();
    await stage.until("P0 has acknowledged", () => stage.hasAcknowledged(P0, second));
    await stage.failTask();
    fromP1.lose();
    await stage.pass(3_000);
    return stage.live(VERTEX);
  },
  kept: { [x]: 2, [y]: 2 },
  without: {
    "of what is in memory, the tables newer than the checkpoint are dropped": {
      breakages: [dropsNewerTables()],
      broken: { [x]: 1, [y]: 2 },
    },
  },
});

/** What a partition restores is cut down to what it had when it acknowledged last. */
function dropsNewerTables(): Breakage {
  return {
    kind: "partition",
    context(context) {
      let present: ReadonlySet<string> | undefined;
      const coordinator = (): CoordinatorCalls => {
        const peer = context.peers.coordinator();
        return {
          ...({} as CoordinatorCalls),
          fail: (failed) => peer.fail(failed),
          async acknowledge(acknowledgement) {
            const answer = await peer.acknowledge(acknowledgement);
            const tables = acknowledgement.state?.tables ?? [];
            present = new Set(tables.map(({ id }) => id));
            return answer;
          },
          async attachPartition(request) {
            const answer = await peer.attachPartition(request);
            if (answer.kind === "wait" || present === undefined) return answer;
            const tables = answer.restored.tables.filter(({ id }) => present!.has(id));
            return { ...answer, restored: { ...answer.restored, tables } };
          },
        };
      };
      return { ...spread(context), peers: { ...context.peers, coordinator } };
    },
  };
}
