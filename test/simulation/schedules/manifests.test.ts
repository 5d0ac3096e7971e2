/** Rules 33 and 22a: publishing a checkpoint, from the last acknowledgement to the pointer. */
import { type Breakage, spread, withSql } from "../mutants/mutant.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import { coordinatorForgets } from "../mutants/breakages.ts";
import { C, P0, P1, S0, VERTEX, wordCount, x, y } from "./cast.ts";
import { failure, schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

async function begin(stage: Stage): Promise<number> {
  await stage.post(S0, `${x} ${y}`);
  await stage.settle();
  return stage.trigger();
}

/** What is read back after an unknown outcome is taken for somebody else's. */
const READS_SOMETHING_ELSE: Breakage = {
  kind: "coordinator",
  context: (context) => ({
    ...spread(context),
    blobStore: {
      ...context.blobStore,
      get: async (path) => {
        const bytes = await context.blobStore.get(path);
        return bytes && new Uint8Array([...bytes, 10]);
      },
    },
  }),
};

schedule("[rule 33a] a manifest whose PUT succeeded without an answer is known for our own", {
  job: wordCount(),
  async play(stage) {
    const answer = stage.hold({ from: C, to: "bucket", call: "PUT", answer: true });
    const checkpoint = await begin(stage);
    await stage.until("the manifest has landed", () => answer.count > 0);
    answer.lose();
    return stage.decision(checkpoint);
  },
  kept: "completed",
  without: {
    "an object that is there is somebody else's": {
      breakages: [READS_SOMETHING_ELSE],
      broken: "given up",
    },
  },
});

schedule("[rule 33a] a manifest whose PUT failed is not taken for published", {
  job: wordCount(),
  async play(stage) {
    const put = stage.hold({ from: C, to: "bucket", call: "PUT" });
    const checkpoint = await begin(stage);
    await stage.until("the manifest is on its way", () => put.count > 0);
    put.lose();
    await stage.completion(checkpoint);
    return (await stage.stateAt(checkpoint))[VERTEX];
  },
  kept: { [x]: 1, [y]: 1 },
  without: {
    "an error counts as success": {
      breakages: [mutantNamed("takes a failed PUT of a manifest for a success")],
      broken: failure("is gone"),
    },
  },
});

const FORGETS_WHAT_IS_PENDING = coordinatorForgets(
  "UPDATE job SET record = json_remove(record, '$.pending')",
);

schedule(
  "[rule 33b] a coordinator that died between manifest and pointer finishes the checkpoint",
  {
    job: wordCount(),
    async play(stage) {
      stage.crashAt(C, "coordinator: after put manifest");
      const checkpoint = await begin(stage);
      await stage.pass(20_000);
      const { completed } = stage.record;
      return { isFinished: completed === checkpoint, strays: (await stage.strays()).length };
    },
    kept: { isFinished: true, strays: 0 },
    without: {
      "what is pending is in memory": {
        breakages: [FORGETS_WHAT_IS_PENDING],
        broken: { isFinished: false, strays: 1 },
      },
    },
  },
);

/** The PUT fails, the checkpoint expires and its manifest is deleted; the PUT lands two minutes later. */
schedule("[rule 33b] the manifest of a checkpoint that was given up goes, however late it lands", {
  job: wordCount({ checkpoint: { timeoutMs: 10_000 } }),
  async play(stage) {
    const put = stage.hold({ from: C, to: "bucket", call: "PUT" });
    const reading = stage.hold({ from: C, to: "bucket", call: "GET" });
    const checkpoint = await begin(stage);
    await stage.until("the manifest is on its way", () => put.count > 0);
    put.giveUp();
    const decision = await stage.decision(checkpoint);
    reading.lose();
    await stage.pass(120_000);
    put.release();
    await stage.pass(1_200_000);
    return { decision, isClean: (await stage.strays()).length === 0 };
  },
  kept: { decision: "given up", isClean: true },
  without: {
    "it is deleted once": {
      breakages: [
        {
          kind: "coordinator",
          context: (context) =>
            withSql(context, (query, [, path]) => {
              if (!query.startsWith("UPDATE manifest SET dead = 1, delete_again_at"))
                return undefined;
              return context.sql.exec(query, 0, path!);
            }),
        },
      ],
      broken: { decision: "given up", isClean: false },
    },
  },
});

/** P0 acknowledges; P1 uploads for so long that the coordinator hibernates meanwhile. */
schedule("[rule 22a] an acknowledgement outlives the memory of the coordinator", {
  job: wordCount({ checkpoint: { timeoutMs: 60_000 } }),
  async play(stage) {
    const fromP1 = stage.hold({ from: P1, to: C, call: "acknowledge" });
    const checkpoint = await begin(stage);
    await stage.until("P0 has acknowledged", () => stage.hasAcknowledged(P0, checkpoint));
    await stage.settle();
    stage.loseMemory(C);
    fromP1.release();
    return stage.decision(checkpoint);
  },
  kept: "completed",
  without: {
    "acknowledgements are in memory": {
      breakages: [coordinatorForgets("DELETE FROM acknowledgement")],
      broken: "given up",
    },
  },
});
