/**
 * A change of parallelism in the simulated world. The product has none yet: the rows of the coordinator are
 * written here as one would leave them, and every object gets the code with the new parallelism. What
 * partitions, registry and engine make of tables that several partitions inherit is the product's own.
 */
import { keyGroupRangeOf } from "../../../dataflow/key-group.ts";
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import type { PartitionState } from "../../../durable-objects/messages.ts";
import type {
  KeyGroupRange,
  TableReference,
} from "../../../state-engine/version/table-reference.ts";
import { C, MAXIMUM_PARALLELISM, S0, VERTEX } from "./cast.ts";
import type { Stage } from "./stage.ts";

/** Of each deploy: "version-1" has the first parallelism, "version-2" the second. */
export function deployed(codeVersion: string, ...parallelisms: readonly number[]): JobOptionsInput {
  return { parallelism: parallelisms[Number(codeVersion.slice("version-".length)) - 1]! };
}

/** The job goes on from its latest checkpoint with this parallelism, as deploy number `deploy`. */
export async function rescale(stage: Stage, parallelism: number, deploy: number): Promise<void> {
  await stage.settle();
  for (const object of stage.world.objects) object.loseMemory("to be deployed anew");
  const states = stage
    .rows<{ data: string }>(C, "SELECT data FROM partition_state ORDER BY number")
    .map(({ data }) => JSON.parse(data) as PartitionState);
  const { storage } = stage.world.object(C);
  storage.exec("DELETE FROM partition_state");
  for (let index = 0; index < parallelism; index++) {
    const owned = keyGroupRangeOf(index, parallelism, MAXIMUM_PARALLELISM);
    const state = {
      // The last one's other members: nothing here depends on time, and the engine minds the sequence.
      ...states.at(-1)!,
      tables: states.flatMap(({ tables }) => tables.flatMap((table) => clipped(table, owned))),
    };
    const insert = "INSERT INTO partition_state (vertex, number, data) VALUES (?, ?, ?)";
    storage.exec(insert, VERTEX, index, JSON.stringify(state));
  }
  // The first manifest after a change is full [40].
  const change = "'$.shape.parallelism', ?, '$.schema.from', ?";
  const { nextCheckpoint } = stage.record;
  stage.world.object(C).loseMemory("to be deployed anew");
  storage.exec(`UPDATE job SET record = json_set(record, ${change})`, parallelism, nextCheckpoint);
  for (const object of stage.world.objects) stage.world.deployTo(object, deploy);
  // Somebody has to call somebody.
  await stage.ask(() => stage.outside.source(S0.index).awaitProcessed({ line: 0, timeoutMs: 0 }));
  await stage.settle();
}

function clipped(table: TableReference, owned: KeyGroupRange): TableReference[] {
  const first = Math.max(table.keyGroups.first, owned.first);
  const last = Math.min(table.keyGroups.last, owned.last);
  return first > last ? [] : [{ ...table, keyGroups: { first, last } }];
}
