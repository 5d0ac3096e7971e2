/**
 * Rule 22e: what a partition does in the background outlasts ten seconds without an event. Played where an object is
 * not kept in memory for what it awaits of the bucket: of that the platform's list of what keeps one says nothing.
 */
import { PartitionCheckpoints } from "../../../durable-objects/partition/checkpoint.ts";
import { MERGES_EAGERLY, replacing } from "../mutants/breakages.ts";
import { spread, type Breakage } from "../mutants/mutant.ts";
import { P0, S0, VERTEX, wordCount, wordsFor, x } from "./cast.ts";
import { readCheckpointTables } from "./checkpoint-state.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

const LONGER_THAN_IDLE_MS = 15_000;

/** What is given to keepAlive is a promise like any other. */
const BARE_PROMISES: Breakage = {
  kind: "partition",
  context: (context) => ({
    ...spread(context),
    keepAlive: (work) => void work.catch((error: unknown) => context.reportError(error, "working")),
  }),
};

const ANSWERS_BARRIERS_AT_ONCE = replacing(
  PartitionCheckpoints.prototype,
  "begin",
  (original, _self, [barrier]) => {
    void original(barrier!);
    return Promise.resolve("settled");
  },
);

/** More of P0 than travels in a manifest. */
async function postLarge(stage: Stage, round: number): Promise<void> {
  const words = wordsFor(0, 40 * (round + 1), 1_000).slice(-40);
  await stage.post(S0, words.join(" "));
  await stage.settle();
}

/** The bucket takes 15 s for P0's upload; nobody calls P0. Two guards, of which either is enough. */
schedule(
  "[rule 22e] an upload that takes longer than an object stays without an event is finished",
  {
    job: wordCount({ checkpoint: { timeoutMs: 60_000 } }),
    async play(stage) {
      stage.world.bucket.holds = false;
      await postLarge(stage, 0);
      const upload = stage.hold({ from: P0, to: "bucket", call: "PUT" });
      const checkpoint = await stage.trigger();
      await stage.pass(LONGER_THAN_IDLE_MS);
      upload.release();
      await stage.pass(5_000);
      return { isCompleted: stage.record.completed >= checkpoint };
    },
    kept: { isCompleted: true },
    without: {
      "it is a bare promise, and the barrier is answered when it has come": {
        breakages: [BARE_PROMISES, ANSWERS_BARRIERS_AT_ONCE],
        broken: { isCompleted: false },
      },
    },
  },
);

/** P0 woke up with nothing in memory; it begins to merge five tables, of which the bucket takes 15 s to give it one. */
schedule("[rule 22e] a merge that waits for the bucket comes to its end, though nobody calls", {
  job: wordCount(),
  conditions: [MERGES_EAGERLY],
  async play(stage) {
    stage.world.bucket.holds = false;
    for (let round = 0; round < 4; round++) {
      await postLarge(stage, round);
      await stage.checkpoint();
      await stage.settle();
    }
    stage.loseMemory(P0);
    await postLarge(stage, 4);
    const reading = stage.hold({ from: P0, to: "bucket", call: "GET" });
    await stage.checkpoint();
    await stage.until("P0 reads what it merges", () => reading.count > 0);
    await stage.pass(LONGER_THAN_IDLE_MS);
    reading.release();
    await stage.pass(5_000);
    await stage.post(S0, x);
    await stage.checkpoint();
    const tables = await readCheckpointTables(stage.world, stage.retained.at(-1)!.path);
    return {
      runs: new Set(tables.get(`${VERTEX}/0`)!.map(({ level, run }) => `${level}/${run}`)).size,
    };
  },
  kept: { runs: 2 },
  without: {
    "it is a bare promise": { breakages: [BARE_PROMISES], broken: { runs: 6 } },
  },
});
