/** Rules 9, 10, 34 and 37: who may delete what, and when. */
import { Registry } from "../../../durable-objects/coordinator/registry.ts";
import type { OrphanScan } from "../../../durable-objects/coordinator-queries.ts";
import { StateEngine } from "../../../state-engine/index.ts";
import { mutantNamed } from "../mutants/mutants.ts";
import { answering, replacing } from "../mutants/breakages.ts";
import { C, P0, P1, S0, VERTEX, wordCount, wordsFor, x, y } from "./cast.ts";
import { readCheckpointTables } from "./checkpoint-state.ts";
import { failure, schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

/** More of P0 than travels in a manifest: `round` says which words. */
function large(round = 0): string {
  return wordsFor(0, 40 * (round + 1), 1_000)
    .slice(-40)
    .join(" ");
}

async function grow(stage: Stage, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await stage.post(S0, large(round));
    await stage.settle();
    await stage.checkpoint();
    await stage.settle();
  }
}

/** 1 holds a table of P0 inline; 2 changes P1 only; 1 is not retained any more. */
schedule("[rule 9a] [rule 9b] a manifest stays as long as a retained checkpoint builds on it", {
  job: wordCount({ checkpoint: { retained: 1 } }),
  async play(stage) {
    for (const word of [x, y]) {
      await stage.post(S0, word);
      await stage.settle();
      await stage.checkpoint();
    }
    await stage.pass(5_000);
    return { retained: stage.retained.length, state: (await stage.stateAt())[VERTEX] };
  },
  kept: { retained: 1, state: { [x]: 1, [y]: 1 } },
  without: {
    "a manifest goes with its checkpoint": {
      breakages: [mutantNamed("deletes a manifest with its checkpoint, though a chain needs it")],
      broken: failure("is gone"),
    },
  },
});

schedule("[rule 9d] 20 KB bound the live inline bytes of a partition, not those of a checkpoint", {
  job: wordCount(),
  async play(stage) {
    for (let round = 0; round < 5; round++) {
      await stage.post(
        S0,
        wordsFor(0, 8 * (round + 1), 1_000)
          .slice(-8)
          .join(" "),
      );
      await stage.settle();
      await stage.checkpoint();
    }
    const tables = await readCheckpointTables(stage.world, stage.retained.at(-1)!.path);
    const inline = tables.get(`${VERTEX}/0`)!.flatMap((table) => table.inline ?? []);
    return { isBounded: inline.reduce((sum, { length }) => sum + length, 0) <= 20 * 1024 };
  },
  kept: { isBounded: true },
  without: {
    "every checkpoint may have as much": {
      breakages: [
        replacing(StateEngine.prototype, "persist", (original, _self, [frozen, given]) =>
          original(frozen!, { ...(given as unknown as object), inlineLimitBytes: 1e9 } as never),
        ),
      ],
      broken: { isBounded: false },
    },
  },
});

/** P0's upload is under way, and its memory is lost when it has landed. */
schedule("[rule 10] what a crash left in the bucket is known without a listing", {
  job: wordCount(),
  async play(stage) {
    await stage.post(S0, large());
    await stage.settle();
    stage.crashAt(P0, "partition: before acknowledge");
    await stage.checkpoint();
    await stage.pass(3_000);
    return { crashed: !stage.script.hasCrashAhead, strays: (await stage.strays()).length };
  },
  kept: { crashed: true, strays: 0 },
  without: {
    "uploads are not noted": {
      breakages: [mutantNamed("does not note its uploads")],
      broken: { crashed: true, strays: 1 },
    },
  },
});

schedule("[rule 10] an upload is in the bucket before it is acknowledged", {
  job: wordCount(),
  async play(stage) {
    await stage.post(S0, large());
    await stage.settle();
    const upload = stage.hold({ from: P0, to: "bucket", call: "PUT" });
    const checkpoint = await stage.trigger();
    await stage.pass(5_000);
    const isEarly = stage.record.completed === checkpoint;
    upload.release();
    await stage.completion(checkpoint);
    return { isEarly };
  },
  kept: { isEarly: false },
  without: {
    "it is acknowledged while it is on its way": {
      breakages: [mutantNamed("acknowledges before its upload has landed")],
      broken: { isEarly: true },
    },
  },
});

/** 2 drops every table of 1, and its manifest is not in the bucket yet. */
schedule("[rule 10] objects go after the pointer has moved, never before", {
  job: wordCount({ checkpoint: { retained: 1, mode: "full" } }),
  async play(stage) {
    await grow(stage, 1);
    await stage.post(S0, x);
    await stage.settle();
    const manifest = stage.hold({ from: C, to: "bucket", call: "PUT" });
    await stage.trigger();
    await stage.until("the manifest of 2 is on its way", () => manifest.count > 0);
    await stage.settle();
    return { completed: stage.record.completed, words: wordsIn(await stage.stateAt()) };
  },
  kept: { completed: 1, words: 40 },
  without: {
    "a table goes when it is dropped": {
      breakages: [mutantNamed("deletes objects before the pointer moves")],
      broken: failure("is gone"),
    },
  },
});

function wordsIn(states: Readonly<Record<string, object>>): number {
  return Object.keys(states[VERTEX] ?? {}).length;
}

/** P0 has uploaded and not acknowledged; the bucket is searched for orphans. */
schedule("[rule 10d] the search for orphans asks every partition what it has noted", {
  job: wordCount({ checkpoint: { timeoutMs: 3_600_000 } }),
  async play(stage) {
    await stage.post(S0, large());
    await stage.settle();
    const late = stage.hold({ from: P0, to: C, call: "acknowledge" });
    const checkpoint = await stage.trigger();
    await stage.until("P0 has uploaded", () => late.count > 0);
    const scan = await stage.ask(() => stage.coordinator.scanOrphans({ minimumAgeMs: 0 }));
    await stage.settle();
    late.release();
    await stage.completion(checkpoint);
    const { orphans } = scan as Extract<OrphanScan, { kind: "scanned" }>;
    return { orphans, words: wordsIn(await stage.stateAt()) };
  },
  kept: { orphans: 0, words: 40 },
  without: {
    "whatever no row knows is an orphan": {
      breakages: [answering("partition", "notedUploads", () => [])],
      broken: failure("is gone"),
    },
  },
});

schedule("[rule 34] a table is kept for the oldest retained checkpoint that lists it", {
  job: wordCount({ checkpoint: { retained: 2, mode: "full" } }),
  async play(stage) {
    await grow(stage, 2);
    await stage.pass(5_000);
    return { first: wordsIn(await stage.stateAt(1)), second: wordsIn(await stage.stateAt(2)) };
  },
  kept: { first: 40, second: 80 },
  without: {
    "only the latest checkpoint counts": {
      breakages: [mutantNamed("sweeps what only an older retained checkpoint uses")],
      broken: failure("is gone"),
    },
  },
});

/** Rows written for a checkpoint of one word, while the others stay as they are. */
async function rowsOfOneWord(stage: Stage): Promise<number> {
  await stage.post(S0, y);
  await stage.settle();
  const { storage } = stage.world.object(C);
  const before = storage.rowsWritten;
  await stage.checkpoint();
  await stage.settle();
  return storage.rowsWritten - before;
}

schedule("[rule 34] a checkpoint writes no row for a table that stays as it is", {
  job: wordCount(),
  async play(stage) {
    await grow(stage, 1);
    const few = await rowsOfOneWord(stage);
    await grow(stage, 3);
    return { more: (await rowsOfOneWord(stage)) - few };
  },
  kept: { more: 0 },
  without: {
    "each table says when it was used last": {
      breakages: [
        replacing(Registry.prototype, "complete", (original, self, [change]) => {
          original(change!);
          const { checkpoint, now } = change as unknown as Parameters<Registry["complete"]>[0];
          for (const { path } of now.flatMap(({ data }) => data.tables)) {
            self.keepOutput([{ path, size: 0 }], checkpoint);
          }
        }),
      ],
      broken: { more: 4 },
    },
  },
});

/** P0's acknowledgement of 1 comes when the job has gone on to generation 2. */
schedule("[rule 37] what a late acknowledgement names is deleted, though it counts for nothing", {
  job: wordCount(),
  async play(stage) {
    await stage.post(S0, large());
    await stage.settle();
    const late = stage.hold({ from: P0, to: C, call: "acknowledge" });
    await stage.trigger();
    await stage.until("P0 has uploaded", () => late.count > 0);
    const news = stage.hold({ to: P0 });
    await stage.failTask();
    late.release();
    await stage.pass(5_000);
    news.release();
    stage.loseMemory(P0, P1);
    await stage.until("a checkpoint completes", () => stage.record.completed > 0);
    await stage.pass(5_000);
    return { generation: stage.record.generation, strays: (await stage.strays()).length };
  },
  kept: { generation: 2, strays: 0 },
  without: {
    "it is refused, and that is all": {
      breakages: [replacing(Registry.prototype, "registerLost", () => undefined)],
      broken: { generation: 2, strays: 1 },
    },
  },
});
