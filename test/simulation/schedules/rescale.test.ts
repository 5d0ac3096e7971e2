/** Rules 10b, 16 and 40: tables that several partitions inherit, and that come together again. */
import { job } from "../../../dataflow/job.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import { Registry, type RegistryChange } from "../../../durable-objects/coordinator/registry.ts";
import { MemoryBlobStore, stateKey } from "../../../state-engine/index.ts";
import type { PersistedState, StateEngine } from "../../../state-engine/index.ts";
import {
  openEngine,
  PLAIN_STATE,
  testEnvironment,
  TINY,
} from "../../state-engine/engine-fixture.ts";
import { coordinatorForgets, MERGES_EAGERLY, opening, replacing } from "../mutants/breakages.ts";
import { options, S0, VERTEX, wordCount, wordsFor, x, y, y2 } from "./cast.ts";
import { readCheckpointTables } from "./checkpoint-state.ts";
import { failure, schedule } from "./play.ts";
import { deployed, rescale } from "./rescale.ts";
import type { Stage } from "./stage.ts";

async function checkpointed(stage: Stage, ...lines: readonly string[]): Promise<void> {
  await stage.post(S0, ...lines);
  await stage.settle();
  await stage.checkpoint();
  await stage.settle();
}

/** Objects that each partition lists at the latest checkpoint. */
async function listed(stage: Stage): Promise<readonly (readonly string[])[]> {
  const tables = await readCheckpointTables(stage.world, stage.retained.at(-1)!.path);
  return [...tables.values()].map((of) => [...new Set(of.map(({ path }) => path))]);
}

/** One partition becomes two, which both list its table; the first merges it into newer ones. */
schedule("[rule 10b] a table stays until the last partition that inherited it has dropped it", {
  job: (version) => wordCount({ checkpoint: { retained: 1 }, ...deployed(version, 1, 2) }),
  conditions: [MERGES_EAGERLY],
  async play(stage) {
    const words = [0, 1].flatMap((index) => wordsFor(index, 40, 1_000));
    await checkpointed(stage, words.join(" "));
    const [[shared]] = (await listed(stage)) as [[string]];
    await rescale(stage, 2, 2);
    for (let round = 1; round < 7; round++) {
      await checkpointed(
        stage,
        wordsFor(0, 40 * (round + 1), 1_000)
          .slice(-40)
          .join(" "),
      );
    }
    await stage.pass(5_000);
    const users = (await listed(stage)).map((paths) => paths.includes(shared));
    return { users, words: Object.keys((await stage.stateAt())[VERTEX]!).length };
  },
  kept: { users: [false, true], words: 320 },
  without: {
    "each partition says what is not used any more": {
      breakages: [
        replacing(Registry.prototype, "complete", (original, self, [given]) => {
          original(given!);
          const { before, now } = given as unknown as RegistryChange;
          for (const [index, { data }] of before.entries()) {
            const paths = new Set(now[index]!.data.tables.map(({ path }) => path));
            for (const { path } of data.tables) if (!paths.has(path)) self.markDead(path);
          }
        }),
      ],
      broken: failure("is gone"),
    },
  },
});

/** Lines are a key that is remembered, or one that is forgotten. */
function remembering(version: string) {
  return job("schedule", options({ checkpoint: { retained: 1 }, ...deployed(version, 1, 2, 1) }))
    .lines()
    .map((line) => line.split(" ") as [string, string])
    .keyBy(([key]) => key)
    .process(VERTEX, {
      state: { last: valueState<string>("last") },
      process([, value], { state }) {
        if (value === "forget") state.last.clear();
        else state.last.update(value);
        return [];
      },
    })
    .output();
}

/** A table is opened for all that its reader owns. */
const OPENS_WITHOUT_CLIPS = opening((given) => ({
  ...given,
  tables: given.tables.map((table) => ({ ...table, keyGroups: given.keyGroups })),
}));

/** One partition becomes two; the second forgets y, and merges table and deletion away; then one owns all again. */
schedule(
  "[rule 16a] a key that was deleted in one half does not come back when halves are joined",
  {
    job: remembering,
    conditions: [MERGES_EAGERLY],
    async play(stage) {
      await checkpointed(stage, `${x} remember`, `${y} remember`);
      await rescale(stage, 2, 2);
      await checkpointed(stage, `${y} forget`);
      for (let round = 0; round < 5; round++) await checkpointed(stage, `${y2} ${round}`);
      const tables = await readCheckpointTables(stage.world, stage.retained.at(-1)!.path);
      const [left = [], right = []] = [...tables.values()];
      const stillShared = right.filter(({ id }) => left.some((table) => table.id === id)).length;
      await rescale(stage, 1, 3);
      return { stillShared, live: await stage.live("last") };
    },
    kept: { stillShared: 0, live: { [x]: "remember", [y2]: "4" } },
    without: {
      "who owns the whole range needs no clip": {
        breakages: [OPENS_WITHOUT_CLIPS],
        broken: { stillShared: 0, live: { [x]: "remember", [y]: "remember", [y2]: "4" } },
      },
    },
  },
);

/**
 * Engines alone: one deletes from key group 2 to the end of all keys, and is split; the second half merges the
 * deletion away, and has keys again; the halves are joined.
 */
schedule("[rule 16b] a range that was deleted is cut with the table that says so", {
  job: wordCount(),
  async play() {
    const environment = testEnvironment();
    const blobStore = new MemoryBlobStore(environment);
    const tuning = { ...TINY, memtableEntries: 100, compactionFanout: 2, quietCompactionRatio: 1 };
    const open = (first: number, last: number, from?: PersistedState): StateEngine =>
      openEngine({
        environment,
        blobStore,
        tuning,
        keyGroups: { first, last },
        ...(from && { from }),
      });
    const before = open(0, 7);
    for (let group = 0; group < 8; group++) put(before, group);
    await before.persist(before.freeze(), WRITTEN);
    before.deleteRange(keyIn(2), Uint8Array.of(0xff, 0xff, 0xff));
    const split = await persisted(before);
    const high = open(4, 7, split);
    for (const group of [4, 5]) put(high, group);
    const halves = [await persisted(high, "merged"), await persisted(open(0, 3, split))] as const;
    const ranges = halves.map(({ tables }) => tables.filter((one) => one.deletedRanges).length);
    const joined = open(0, 7, { ...halves[0], tables: halves.flatMap(({ tables }) => tables) });
    const found = [0, 1, 2, 3, 4, 5, 6, 7].map((group) => joined.get(keyIn(group)));
    const values = await Promise.all(found);
    return { ranges, groups: values.flatMap((value) => (value === undefined ? [] : [...value])) };
  },
  kept: { ranges: [0, 1], groups: [0, 1, 4, 5] },
  without: {
    "who owns the whole range needs no clip": {
      breakages: [OPENS_WITHOUT_CLIPS],
      broken: { ranges: [0, 1], groups: [0, 1] },
    },
  },
});

const WRITTEN = { mode: "incremental", inlineLimitBytes: 0 } as const;

function keyIn(keyGroup: number): Uint8Array {
  return stateKey(keyGroup, PLAIN_STATE, Uint8Array.of(keyGroup));
}

function put(engine: StateEngine, keyGroup: number): void {
  const key = keyIn(keyGroup);
  engine.put(key, 0, key.length, Uint8Array.of(keyGroup), 0, 1);
}

async function persisted(engine: StateEngine, how?: "merged"): Promise<PersistedState> {
  if (how === "merged") {
    engine.discard(engine.freeze());
    while (await engine.maintain());
  }
  const state = await engine.persist(engine.freeze(), WRITTEN);
  engine.close();
  return state;
}

/** Before any change of parallelism: both write their first table. */
schedule("[rule 16d] tables of two partitions never have the same name", {
  job: wordCount(),
  async play(stage) {
    const words = [0, 1].flatMap((index) => wordsFor(index, 40, 1_000));
    await checkpointed(stage, words.join(" "));
    const paths = (await listed(stage)).flat();
    const state = Object.keys((await stage.stateAt())[VERTEX]!);
    return { tables: paths.length, names: new Set(paths).size, words: state.length };
  },
  kept: { tables: 2, names: 2, words: 80 },
  without: {
    "each partition counts its own": {
      breakages: [
        opening((given) => {
          let tables = 0;
          return {
            ...given,
            uploads: { ...given.uploads, nextPath: () => `schedule/T${++tables}` },
          };
        }),
      ],
      broken: failure("Object schedule/T1 is too short"),
    },
  },
});

/** Two partitions become four, all of which use tables that the chain so far holds under two; one line more. */
schedule(
  "[rule 40] the first checkpoint after a change of parallelism lists every partition's tables",
  {
    job: (version) => wordCount(deployed(version, 2, 4)),
    async play(stage) {
      const words = [0, 1].flatMap((index) => wordsFor(index, 40, 1_000));
      await checkpointed(stage, words.join(" "));
      const tables = (await listed(stage)).flat();
      await rescale(stage, 4, 2);
      await checkpointed(stage, x);
      const { chain } = stage.retained.at(-1)!;
      const inherited = (await listed(stage)).map(
        (paths) => paths.filter((path) => tables.includes(path)).length,
      );
      const state = Object.keys((await stage.stateAt())[VERTEX]!);
      return { isFull: chain.length === 0, inherited, words: state.length };
    },
    kept: { isFull: true, inherited: [1, 1, 1, 1], words: 81 },
    without: {
      "it is a delta like any other": {
        breakages: [
          coordinatorForgets("UPDATE job SET record = json_set(record, '$.schema.from', 0)"),
        ],
        // Nobody has the second part, and the third and the fourth are still one.
        broken: { isFull: false, inherited: [1, 1], words: 68 },
      },
    },
  },
);
