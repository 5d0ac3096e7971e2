/** Rules 35a and 35c: how many requests it takes to read what lies together, and to wake up. */
import { BlockLoader } from "../../../state-engine/read/block-loader.ts";
import { type Breakage, patched } from "../mutants/mutant.ts";
import { C, P0, S0, VERTEX, wordCount, wordsFor } from "./cast.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

type Load = BlockLoader["load"];

const BLOCK_BY_BLOCK: Breakage = {
  kind: "partition",
  patch: () =>
    patched(BlockLoader.prototype, "load", ({ value }) => ({
      async value(this: BlockLoader, needs: Parameters<Load>[0]) {
        for (const need of needs) await (value as Load).call(this, [need]);
      },
    })),
};

const WORDS = wordsFor(0, 120, 1_000);

async function twoCheckpoints(stage: Stage): Promise<void> {
  await stage.post(S0, WORDS.join(" "));
  await stage.settle();
  await stage.checkpoint();
  await stage.post(S0, wordsFor(1, 2).join(" "));
  await stage.settle();
  await stage.checkpoint();
}

/** A table of 120 KB in blocks of 16 KiB, of which nothing is in memory. */
schedule("[rule 35a] blocks that lie together are read with one request", {
  job: wordCount(),
  async play(stage) {
    await twoCheckpoints(stage);
    stage.loseMemory(P0);
    const before = stage.script.count({ from: P0, to: "bucket", call: "GET" });
    const words = Object.keys(await stage.live(VERTEX)).length;
    const requests = stage.script.count({ from: P0, to: "bucket", call: "GET" }) - before;
    return { words, isFew: requests <= 3 };
  },
  kept: { words: 122, isFew: true },
  without: {
    "each block is asked for": {
      breakages: [BLOCK_BY_BLOCK],
      broken: { words: 122, isFew: false },
    },
  },
});

/** A delta of two manifests, and a partition that wakes up. */
schedule("[rule 35c] waking up reads no manifest: the coordinator's rows say what to restore", {
  job: wordCount(),
  async play(stage) {
    await twoCheckpoints(stage);
    stage.loseMemory(P0);
    const before = stage.script.count({ from: C, to: "bucket", call: "GET" });
    await stage.wake(P0);
    return { reads: stage.script.count({ from: C, to: "bucket", call: "GET" }) - before };
  },
  kept: { reads: 0 },
  without: {
    "the chain is followed from parent to parent": {
      breakages: [
        {
          kind: "coordinator",
          methods: (logic, { blobStore, sql }) => ({
            async attachPartition(argument) {
              const rows = sql.exec<{ path: string }>("SELECT path FROM manifest ORDER BY id DESC");
              for (const { path } of rows) await blobStore.get(path);
              return logic["attachPartition"]!(argument);
            },
          }),
        },
      ],
      broken: { reads: 2 },
    },
  },
});
