/** Rule 39: what an updating stream means to the next vertex, however records are batched. */
import { job } from "../../../dataflow/job.ts";
import { RecordPartitioner } from "../../../dataflow/record-partitioner.ts";
import { EngineStateStore } from "../../../dataflow/state/engine-state-store.ts";
import type { BuiltStream } from "../../../dataflow/job.ts";
import type { KeyedVertex } from "../../../dataflow/job-graph.ts";
import type { Change } from "../../../dataflow/operators/retracting-operators.ts";
import { replacing } from "../mutants/breakages.ts";
import type { Breakage } from "../mutants/mutant.ts";
import { options, partition, S0, x } from "./cast.ts";
import { schedule } from "./play.ts";
import type { Stage } from "./stage.ts";

const COUNTS = partition("counts", 0);

/** How many words occur how often. */
function countOfCounts(): BuiltStream {
  return job("schedule", options({ parallelism: 1 }))
    .lines()
    .flatMap((line) => line.split(" "))
    .keyBy((word) => word)
    .count("counts")
    .keyBy((count) => count, "integer")
    .count("groups");
}

/** Changes are counted as if each were a record. */
let countsUpdates = false;

const COUNTS_UPDATES: Breakage = {
  kind: "partition",
  patch() {
    countsUpdates = true;
    return () => (countsUpdates = false);
  },
};

/** With a second vertex that hears of nothing that was taken out, where that is wanted. */
function countOfCountsOrUpdates(): BuiltStream {
  const built = countOfCounts();
  if (!countsUpdates) return built;
  const { graph } = built;
  const vertices = graph.vertices.map((vertex) =>
    vertex.uid === "groups" ? withoutRetractions(vertex) : vertex,
  );
  return { graph: { ...graph, vertices }, describe: () => built.describe() };
}

function withoutRetractions(vertex: KeyedVertex): KeyedVertex {
  if (vertex.operator.kind !== "operator") throw new Error("It takes changes in.");
  const { definition } = vertex.operator;
  const create: typeof definition.create = (setup) => {
    const logic = definition.create(setup);
    return {
      ...logic,
      process(input, record, context) {
        if (!(record as Change<number>).isTakenOut) logic.process(input, record, context);
      },
    };
  };
  return { ...vertex, operator: { kind: "operator", definition: { ...definition, create } } };
}

/** The live values before all go back to the latest checkpoint, and after they have replayed what came since. */
async function beforeAndAfterReplay(stage: Stage, state: string): Promise<object> {
  const before = await stage.live(state);
  await stage.failTask();
  await stage.pass(3_000);
  return { before, after: await stage.live(state) };
}

/** The count of x goes from 3 to 5 to 7; replayed, from 3 to 7 at once. */
schedule("[rule 39a] a count of counts does not depend on how updates were batched", {
  job: countOfCountsOrUpdates,
  async play(stage) {
    await stage.post(S0, `${x} ${x} ${x}`);
    await stage.settle();
    await stage.checkpoint();
    for (let round = 0; round < 2; round++) {
      await stage.post(S0, `${x} ${x}`);
      await stage.settle();
    }
    return beforeAndAfterReplay(stage, "groups");
  },
  kept: { before: { 7: 1 }, after: { 7: 1 } },
  without: {
    "whoever follows counts updates": {
      breakages: [COUNTS_UPDATES],
      broken: { before: { 3: 1, 5: 1, 7: 1 }, after: { 3: 1, 7: 1 } },
    },
  },
});

/** Lines are numbers that are added up in all. */
function sums(): BuiltStream {
  return job("schedule", options({ parallelism: 1 }))
    .lines()
    .map((line) => Number(line))
    .keyBy(() => "all")
    .sum("sums", (number) => number);
}

/** Of each partitioner: what adds the sum so far to the frame under way. */
const summed = new WeakMap<RecordPartitioner, { readonly sum: number; give(): unknown }>();

/** What a source cuts at once leaves it as one number. */
const COMBINES_SUMS: readonly Breakage[] = [
  replacing(RecordPartitioner.prototype, "add", (original, self, given) => {
    const [edge, number, origin] = given;
    const sum = (summed.get(self)?.sum ?? 0) + Number(number);
    summed.set(self, { sum, give: () => original(edge!, sum as never, origin!) });
  }),
  replacing(RecordPartitioner.prototype, "drain", (original, self) => {
    summed.get(self)?.give();
    summed.delete(self);
    original();
  }),
];

/** (0.1 + 0.2) + 0.3 is not 0.1 + (0.2 + 0.3): the last two come in one frame, and replayed all three. */
schedule(
  "[rule 39b] a sum that depends on the order of records is not combined before it is applied",
  {
    job: sums,
    async play(stage) {
      await stage.post(S0, "0.1");
      await stage.settle();
      await stage.post(S0, "0.2", "0.3");
      await stage.settle();
      return beforeAndAfterReplay(stage, "sums");
    },
    kept: { before: { all: 0.1 + 0.2 + 0.3 }, after: { all: 0.1 + 0.2 + 0.3 } },
    without: {
      "the source adds up what it sends": {
        breakages: COMBINES_SUMS,
        broken: { before: { all: 0.1 + (0.2 + 0.3) }, after: { all: 0.1 + 0.2 + 0.3 } },
      },
    },
  },
);

/** Nothing is looked up, and what is written is added to what there is. */
const READS_NOTHING: readonly Breakage[] = [
  replacing(EngineStateStore.prototype, "get", () => undefined),
  replacing(EngineStateStore.prototype, "put", (_original, self, given) =>
    self.merge(...(given as unknown as Parameters<EngineStateStore["put"]>)),
  ),
];

/** Three are in the bucket only when the fourth comes. */
schedule("[rule 39c] a count whose updates go on reads what it was", {
  job: countOfCounts,
  async play(stage) {
    await stage.post(S0, `${x} ${x} ${x}`);
    await stage.settle();
    await stage.checkpoint();
    stage.loseMemory(COUNTS);
    await stage.post(S0, x);
    await stage.pass(3_000);
    return { counts: await stage.live("counts"), groups: await stage.live("groups") };
  },
  kept: { counts: { [x]: 4 }, groups: { 4: 1 } },
  without: {
    "counting merges, whatever follows": {
      breakages: READS_NOTHING,
      broken: { counts: { [x]: 4 }, groups: { 1: 2 } },
    },
  },
});
