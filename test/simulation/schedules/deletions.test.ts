/** Rules 9c, 10a, 10c and 10f: an object goes when nothing in it is needed, by nobody, ever again. */
import { CoordinatorRows } from "../../../durable-objects/coordinator/rows.ts";
import { Registry, type RegistryChange } from "../../../durable-objects/coordinator/registry.ts";
import { decodeManifest, encodeManifest } from "../../../state-engine/manifest/encode-manifest.ts";
import type { Manifest } from "../../../state-engine/index.ts";
import type { TableReference } from "../../../state-engine/version/table-reference.ts";
import { MERGES_EAGERLY, replacing } from "../mutants/breakages.ts";
import { type Breakage, spread } from "../mutants/mutant.ts";
import { C, P0, S0, VERTEX, wordCount, wordsFor, x, y } from "./cast.ts";
import { readCheckpointTables } from "./checkpoint-state.ts";
import { failure, schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

const LARGE = wordsFor(0, 160, 1_000);

/** A checkpoint behind these words. */
async function checkpointed(stage: Stage, ...words: readonly string[]): Promise<void> {
  await stage.post(S0, words.join(" "));
  await stage.settle();
  await stage.checkpoint();
  await stage.settle();
}

/** A checkpoint that writes every table anew. */
async function fullCheckpoint(stage: Stage): Promise<void> {
  const { completed } = stage.record;
  await stage.ask(() => stage.coordinator.requestCheckpoint({ mode: "full", waitMs: 0 }));
  await stage.completion(completed + 1);
  await stage.settle();
}

async function startFrom(stage: Stage, checkpoint: number): Promise<string> {
  const how = { cancel: true, checkpoints: "retain", drain: false, savepoint: false } as const;
  await stage.ask(() => stage.coordinator.stop(how));
  const { kind } = await stage.ask(() => stage.coordinator.start({ from: { checkpoint } }));
  await stage.settle();
  return kind;
}

async function wordsAt(stage: Stage): Promise<number> {
  return Object.keys((await stage.stateAt())[VERTEX] ?? {}).length;
}

/** 1 holds a table of P0 inline; 3 is full, and P0 is as it was; only 3 is retained; the job starts from it. */
schedule(
  "[rule 9c] a full manifest repeats the bytes of inline tables, so that older ones can go",
  {
    job: wordCount({ checkpoint: { retained: 1 } }),
    async play(stage) {
      await checkpointed(stage, x);
      await checkpointed(stage, y);
      await checkpointed(stage, y);
      await stage.pass(5_000);
      const manifests = stage.world.bucket.paths.map((path) => /chk-(\d+)/.exec(path)![1]);
      const kind = await startFrom(stage, 3);
      return { manifests, kind, live: await stage.live(VERTEX) };
    },
    kept: { manifests: ["3"], kind: "started", live: { [x]: 1, [y]: 2 } },
    without: {
      "it says in which manifest the bytes are": {
        breakages: [inliningOnce()],
        broken: failure("is gone"),
      },
      "it says so, and no manifest is ever deleted": {
        breakages: [inliningOnce(), replacing(Registry.prototype, "deadManifests", () => [])],
        broken: { manifests: ["1", "2", "3"], kind: "started", live: { [x]: 1, [y]: 2 } },
      },
    },
  },
);

/** A manifest holds inline bytes that are new; of others it says which manifest has them. */
function inliningOnce(): Breakage {
  const holders = new Map<string, string>();
  return {
    kind: "coordinator",
    context(context) {
      const { blobStore, environment } = context;
      const changed = (
        path: string,
        bytes: Uint8Array,
        change: (table: TableReference) => unknown,
      ) => {
        const manifest = decodeManifest(bytes, environment, path);
        const partitions = manifest.partitions.map((part) => ({
          ...part,
          added: part.added.map(change),
        }));
        return encodeManifest({ ...manifest, partitions } as Manifest, environment);
      };
      const bytesIn = async (path: string, id: string): Promise<string | undefined> => {
        const bytes = await blobStore.get(path);
        if (bytes === undefined) return undefined;
        const { partitions } = decodeManifest(bytes, environment, path);
        return partitions.flatMap(({ added }) => added).find((table) => table.id === id)?.inline;
      };
      return {
        ...spread(context),
        blobStore: {
          ...blobStore,
          put: (path, bytes, options) => {
            const written = changed(path, bytes, ({ inline, ...table }) => {
              const holder = holders.get(table.id) ?? path;
              holders.set(table.id, holder);
              return holder === path ? { ...table, inline } : { ...table, path: holder };
            });
            return blobStore.put(path, written, options);
          },
          async get(path) {
            const bytes = await blobStore.get(path);
            if (bytes === undefined) return undefined;
            const found = new Map<string, string | undefined>();
            for (const [id, holder] of holders) found.set(id, await bytesIn(holder, id));
            return changed(path, bytes, (table) => ({ ...table, inline: found.get(table.id) }));
          },
        },
      };
    },
  };
}

/** A checkpoint packs two tables into one object; one of them is merged with newer ones, the other stays. */
schedule("[rule 10a] an object stays as long as one of the tables in it is needed", {
  job: wordCount({ checkpoint: { retained: 1 } }),
  conditions: [MERGES_EAGERLY],
  async play(stage) {
    await checkpointed(stage, ...LARGE.slice(0, 120));
    await stage.post(S0, LARGE[120]!);
    await stage.settle();
    await fullCheckpoint(stage);
    const packed = await tablesByPath(stage);
    for (let round = 1; round < 5; round++) await checkpointed(stage, LARGE[120 + round]!);
    await stage.pass(5_000);
    const left = await tablesByPath(stage);
    const [path] = packed.keys();
    return { packed: packed.get(path!), left: left.get(path!), words: await wordsAt(stage) };
  },
  kept: { packed: 2, left: 1, words: 125 },
  without: {
    "it goes with the first table": {
      breakages: [
        replacing(Registry.prototype, "complete", (original, self, [given]) => {
          original(given!);
          const { before, now } = given as unknown as RegistryChange;
          const listed = new Set(now.flatMap(({ data }) => data.tables.map(({ id }) => id)));
          for (const { id, inline, path } of before.flatMap(({ data }) => data.tables)) {
            if (inline === undefined && !listed.has(id)) self.markDead(path);
          }
        }),
      ],
      broken: failure("is gone"),
    },
  },
});

/** How many tables of P0 the latest checkpoint has in each object. */
async function tablesByPath(stage: Stage): Promise<ReadonlyMap<string, number>> {
  const tables = await readCheckpointTables(stage.world, stage.retained.at(-1)!.path);
  const byPath = new Map<string, number>();
  for (const { inline, path } of tables.get(`${VERTEX}/0`)!) {
    if (inline === undefined) byPath.set(path, (byPath.get(path) ?? 0) + 1);
  }
  return byPath;
}

/** 2 drops the table of 1; the job starts from 1, and goes on until 1 is not retained any more. */
schedule(
  "[rule 10c] [rule 18] a table that was dropped and is used again is kept for its new use",
  {
    job: wordCount({ checkpoint: { retained: 2 } }),
    async play(stage) {
      await checkpointed(stage, ...LARGE.slice(0, 40));
      await stage.post(S0, y);
      await stage.settle();
      await fullCheckpoint(stage);
      const kind = await startFrom(stage, 1);
      for (let round = 0; round < 3; round++) await checkpointed(stage, y);
      await stage.pass(5_000);
      const retained = stage.retained.map(({ id }) => id);
      return { kind, retained, words: await wordsAt(stage) };
    },
    kept: { kind: "started", retained: [4, 5], words: 41 },
    without: {
      "when it was dropped stands for good": {
        breakages: [replacing(Registry.prototype, "rewind", () => undefined)],
        broken: failure("is gone"),
      },
    },
  },
);

/** 2 drops the table of 1. C is half way through deleting it and becomes a zombie; its successor is told to start from 1. */
schedule("[rule 10f] a start finds out what a zombie is about to delete", {
  job: wordCount({ checkpoint: { retained: 1, mode: "full" } }),
  async play(stage) {
    await checkpointed(stage, ...LARGE.slice(0, 40));
    const deleting = stage.hold({ from: C, to: "bucket", call: "DELETE" });
    await checkpointed(stage, y);
    await stage.until("C deletes", () => deleting.count > 0);
    stage.becomeZombie(C);
    const kind = await startFrom(stage, 1);
    deleting.release();
    await stage.pass(5_000);
    if (kind !== "started") return { kind };
    stage.loseMemory(P0);
    return { kind, words: Object.keys(await stage.live(VERTEX)).length };
  },
  kept: { kind: "refused" },
  without: {
    "what is to be deleted is known to the one who deletes it": {
      breakages: [deletingFromMemory()],
      broken: failure("is gone"),
    },
  },
});

/** A checkpoint stays in the list until all that is to be deleted is, and no row says what that is. */
function deletingFromMemory(): Breakage {
  const breakages: readonly Breakage[] = [
    replacing(Registry.prototype, "lookUp", () => ({ live: new Set(), dead: new Set() })),
    replacing(Registry.prototype, "markGarbage", (original, _self, [retained, completed]) =>
      original((retained as unknown as readonly never[]).slice(-1) as never, completed!),
    ),
    replacing(CoordinatorRows.prototype, "subsume", () => undefined),
  ];
  return {
    kind: "coordinator",
    patch: () => {
      const undo = breakages.map(({ patch }) => patch!());
      return () => undo.toReversed().forEach((one) => one());
    },
  };
}
