/** The states of every vertex at a retained checkpoint, read from the bucket alone. */
import type { JobGraph } from "../../../dataflow/job-graph.ts";
import { mergeOperatorsOf } from "../../../dataflow/keyed/keyed-states.ts";
import { scanByKey } from "../../../dataflow/keyed/state-reader.ts";
import type { BlobStore } from "../../../state-engine/blob-store/blob-store.ts";
import { StateEngine, type PartitionTables } from "../../../state-engine/index.ts";
import { resolveChain } from "../../../state-engine/manifest/resolve-chain.ts";
import { createNodeEnvironment } from "../../support/node-environment.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { singleStatesOf } from "../single-states.ts";
import type { World } from "../world.ts";

/** Values by key, as JSON has them. */
export type States = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export async function readCheckpointState(
  world: World,
  graph: JobGraph,
  path: string,
): Promise<States> {
  const environment = createNodeEnvironment({
    now: () => world.scheduler.now(),
    random: new SeededRandom(0),
  });
  const blobStore = storeAsItIs(world);
  const { partitions } = await resolveChain(blobStore, path, environment);
  const states: Record<string, Record<string, unknown>> = {};
  for (const partition of partitions) {
    const vertex = graph.vertices.find(({ uid }) => uid === partition.vertex)!;
    const engine = StateEngine.open({
      environment,
      blobStore,
      keyGroups: partition.keyGroups,
      tables: partition.tables,
      sequence: partition.sequence,
      mergeOperators: mergeOperatorsOf(vertex),
      uploads: { nextPath: () => "reader", note: refuse },
    });
    for (const state of singleStatesOf(vertex)) {
      const time = { processing: partition.time, event: partition.watermark ?? -Infinity };
      const read = { state, time, keyGroups: partition.keyGroups, prefix: "", limit: 10_000 };
      const { entries } = await scanByKey(engine, read);
      const values = (states[state.name] ??= {});
      for (const { key, value } of entries) values[textOf(key)] = JSON.parse(value!);
    }
    engine.close();
  }
  return states;
}

/** A key as a property is named. */
export function textOf(json: string): string {
  return String(JSON.parse(json));
}

/** Tables of every partition, by "vertex/index". */
export async function readCheckpointTables(
  world: World,
  path: string,
): Promise<ReadonlyMap<string, PartitionTables["tables"]>> {
  const environment = createNodeEnvironment({ now: () => 0, random: new SeededRandom(0) });
  const { partitions } = await resolveChain(storeAsItIs(world), path, environment);
  return new Map(partitions.map(({ vertex, index, tables }) => [`${vertex}/${index}`, tables]));
}

/** The bucket at this instant, which never fails. */
export function storeAsItIs({ bucket }: World): BlobStore {
  return {
    get: (path) => Promise.resolve(bucket.read(path)),
    getRange: (path, offset, length) =>
      Promise.resolve(bucket.read(path)?.slice(offset, offset + length)),
    put: refuse,
    list: refuse,
    delete: refuse,
  };
}

function refuse(): never {
  throw new Error("Whoever reads a checkpoint changes nothing.");
}
