/** Rule 21: a read at a checkpoint that goes away is refused, and never ends early. */
import type { BlobStore } from "../../../state-engine/blob-store/blob-store.ts";
import { ReadOnlyStateEngine } from "../../../state-engine/index.ts";
import { ProblemError } from "../../../workers/http/problem.ts";
import { readAtCheckpoint } from "../../../workers/state/checkpoint-state.ts";
import { ResolvedChains } from "../../../workers/state/resolved-chains.ts";
import { readPage, type StatePage } from "../../../workers/state/state-page.ts";
import { findState } from "../../../workers/state/state-reads.ts";
import { createNodeEnvironment } from "../../support/node-environment.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { type Breakage, patched } from "../mutants/mutant.ts";
import { S0, VERTEX, wordCount, wordsFor } from "./cast.ts";
import { storeAsItIs } from "./checkpoint-state.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

/** Words of each of the two partitions. */
const WORDS = 40;

/** The next checkpoint drops every table of the one before, which is not retained any more. */
async function replaceCheckpoint(stage: Stage): Promise<void> {
  const words = [...wordsFor(0, WORDS, 1_000), ...wordsFor(1, WORDS, 1_000)];
  await stage.post(S0, words.join(" "));
  await stage.settle();
  await stage.checkpoint();
  await stage.pass(5_000);
}

/** Checkpoint 1 as the Worker reads it. `before` is done before each object is asked for. */
function reader(stage: Stage, before: (path: string) => Promise<void> = async () => {}) {
  const environment = createNodeEnvironment({ now: () => 0, random: new SeededRandom(1) });
  const chains = new ResolvedChains(environment, 1e6);
  const bucket = storeAsItIs(stage.world);
  const blobStore: BlobStore = {
    ...bucket,
    async getRange(path, offset, length) {
      await before(path);
      return bucket.getRange(path, offset, length);
    },
  };
  const coordinator = {
    locateCheckpoint: (id: number) => stage.ask(() => stage.coordinator.locateCheckpoint(id)),
  };
  const place = { coordinator, environment, checkpoint: 1, blobStore, chains };
  const { state, vertex } = findState(stage.graph, VERTEX);
  return async (limit: number, cursor?: string): Promise<StatePage | number> => {
    const request = { state, prefix: "", limit, order: "key", ...(cursor && { cursor }) } as const;
    try {
      const page = await readAtCheckpoint({ ...place, vertex }, (reads) =>
        readPage(reads, request),
      );
      if (page.kind !== "page") throw new Error(`The page is ${page.kind}.`);
      return page;
    } catch (error) {
      return error instanceof ProblemError ? error.problem.status : 500;
    }
  };
}

/** What a client counts: entries of a page, or the status it got instead. */
function seen(page: StatePage | number): number | string {
  return typeof page === "number" ? `status ${page}` : page.entries.length;
}

const TAKES_THE_MISSING_FOR_THE_END: Breakage = {
  kind: "coordinator",
  patch: () =>
    patched(ReadOnlyStateEngine.prototype, "scan", ({ value }) => ({
      value(this: ReadOnlyStateEngine, ...given: readonly unknown[]) {
        const scan = value as (...given: readonly unknown[]) => Promise<unknown>;
        return scan.call(this, ...given).catch(() => ({ entries: [] }));
      },
    })),
};

/** Where a checkpoint was found is where it is. */
function looksOnce(): Breakage {
  const found = new Map<number, unknown>();
  return {
    kind: "coordinator",
    methods: (logic) => ({
      async locateCheckpoint(id) {
        const known = found.get(id as number);
        if (known !== undefined) return known;
        const answer = await logic["locateCheckpoint"]!(id);
        found.set(id as number, answer);
        return answer;
      },
    }),
  };
}

/** P0's part has been read when 2 completes and the sweep takes P1's object of 1. */
schedule("[rule 21] a page whose checkpoint goes while it is read is refused, not short", {
  job: wordCount({ checkpoint: { retained: 1, mode: "full" } }),
  async play(stage) {
    await replaceCheckpoint(stage);
    const objects = new Set<string>();
    const read = reader(stage, async (path) => {
      if (objects.add(path).size === 2 && stage.record.completed === 1) {
        await replaceCheckpoint(stage);
      }
    });
    return { page: seen(await read(1_000)), completed: stage.record.completed };
  },
  kept: { page: "status 410", completed: 2 },
  without: {
    "what is missing is where the list ends": {
      breakages: [TAKES_THE_MISSING_FOR_THE_END],
      broken: { page: WORDS, completed: 2 },
    },
    "nobody looks whether the checkpoint is still there": {
      breakages: [looksOnce()],
      broken: { page: "status 500", completed: 2 },
    },
  },
});

/** Page 2 is asked for when 1 is gone. */
schedule("[rule 21] the next page of a checkpoint that went away is refused, not the last", {
  job: wordCount({ checkpoint: { retained: 1, mode: "full" } }),
  async play(stage) {
    await replaceCheckpoint(stage);
    const read = reader(stage);
    const first = await read(WORDS);
    const cursor = typeof first === "number" ? undefined : first.next;
    await replaceCheckpoint(stage);
    return [seen(first), seen(await read(WORDS, cursor))];
  },
  kept: [WORDS, "status 410"],
  without: {
    "what is missing is where the list ends, and the chain is remembered": {
      breakages: [TAKES_THE_MISSING_FOR_THE_END, looksOnce()],
      broken: [WORDS, 0],
    },
  },
});
