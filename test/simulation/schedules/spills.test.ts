/** Rule 10e: what a partition wrote out before there was a checkpoint belongs to the next one as it is. */
import type { Acknowledgement } from "../../../durable-objects/messages.ts";
import { listedObjects } from "../../../durable-objects/coordinator/decide-acknowledgement.ts";
import { type PersistedState, StateEngine } from "../../../state-engine/index.ts";
import { TableSet } from "../../../state-engine/table-set.ts";
import { replacing } from "../mutants/breakages.ts";
import type { Breakage } from "../mutants/mutant.ts";
import { S0, VERTEX, wordCount, wordsFor } from "./cast.ts";
import { readCheckpointTables } from "./checkpoint-state.ts";
import { schedule } from "./play.ts";

const WORDS = [0, 1].flatMap((index) => wordsFor(index, 600, 1_000));
const LINES = 12;

/** Only what a completed checkpoint lists, and what was written for this one, may be named. */
const REFUSES_WHAT_IS_UNCONFIRMED: Breakage = {
  kind: "coordinator",
  methods: (logic) => ({
    acknowledge(given) {
      const acknowledgement = given as Acknowledgement;
      const wanted = `-c${String(acknowledgement.checkpoint).padStart(9, "0")}-`;
      const isOwn = [...listedObjects(acknowledgement)].every((path) => path.includes(wanted));
      return isOwn ? logic["acknowledge"]!(given) : Promise.resolve({ kind: "refused" });
    },
  }),
};

/** A checkpoint does not list what was written before it. */
function leavingOutSpilled(): Breakage {
  let spilled: readonly string[] = [];
  const changes: readonly Breakage[] = [
    replacing(TableSet.prototype, "spill", async (original, self, given) => {
      await original(...given);
      const written = self.tables.filter(({ durability }) => durability === "written");
      spilled = [...spilled, ...written.map(({ description }) => description.path)];
    }),
    replacing(StateEngine.prototype, "persist", async (original, _self, given) => {
      const persisted = (await original(...given)) as PersistedState;
      const tables = persisted.tables.filter(({ path }) => !spilled.includes(path));
      return { ...persisted, tables };
    }),
  ];
  return {
    kind: "partition",
    patch() {
      spilled = [];
      const undo = changes.map(({ patch }) => patch!());
      return () => undo.toReversed().forEach((one) => one());
    },
  };
}

/** 1.2 MB of words in 1 MiB, and only then a checkpoint. */
schedule("[rule 10e] a table that was spilled is acknowledged under the path it has", {
  job: wordCount({ parallelism: 1 }),
  memoryBytes: 1024 * 1024,
  async play(stage) {
    for (let line = 0; line < LINES; line++) {
      const from = (line * WORDS.length) / LINES;
      await stage.post(S0, WORDS.slice(from, from + WORDS.length / LINES).join(" "));
      await stage.pass(1_000);
    }
    const spilled = new Set(stage.world.bucket.paths);
    const decision = await stage.decision(await stage.trigger());
    if (decision === "given up") return { spilled: spilled.size > 0, decision };
    const tables = await readCheckpointTables(stage.world, stage.retained.at(-1)!.path);
    const named = [...tables.values()].flat().some(({ path }) => spilled.has(path));
    const words = Object.keys((await stage.stateAt())[VERTEX]!).length;
    return { spilled: spilled.size > 0, decision, named, isWhole: words === WORDS.length };
  },
  kept: { spilled: true, decision: "completed", named: true, isWhole: true },
  without: {
    "only what a completed checkpoint holds may be named beside what is new": {
      breakages: [REFUSES_WHAT_IS_UNCONFIRMED],
      broken: { spilled: true, decision: "given up" },
    },
    "and so nobody names it": {
      breakages: [leavingOutSpilled()],
      broken: { spilled: true, decision: "completed", named: false, isWhole: false },
    },
  },
});
