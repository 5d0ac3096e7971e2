/**
 * The list of a job's states: names, kinds and types as the job declares them, and what the latest
 * completed checkpoint records of them, with sizes. Asks the coordinator and the bucket; wakes no partition.
 */
import { operatorName, type KeyedVertex } from "../../dataflow/job-graph.ts";
import { declaredSchemaOf, type KeyedState } from "../../dataflow/keyed/keyed-states.ts";
import type { JsonObject } from "../../durable-objects/coordinator-queries.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { PartitionTables, ResolvedManifest, StateSchema } from "../../state-engine/index.ts";
import type { ReachableJob } from "../http/routing.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import { latestCheckpoint } from "./latest-checkpoint.ts";
import type { ResolvedChains } from "./resolved-chains.ts";
import { statesOf } from "./state-reads.ts";

export async function describeStates(
  job: ReachableJob,
  blobStore: BlobStore,
  chains: ResolvedChains,
): Promise<JsonObject> {
  const { checkpoint } = await latestCheckpoint(job);
  const resolved =
    checkpoint === 0 ? undefined : await resolvedAt(job, checkpoint, blobStore, chains);
  const states = statesOf(job.graph).map(({ vertex, state }) => ({
    name: state.name,
    vertex: vertex.uid,
    operator: operatorName(vertex.operator),
    kind: state.kind,
    key_type: state.keyType,
    ...(state.mapKeyType !== undefined && { map_key_type: state.mapKeyType }),
    value_type: state.valueType,
    ...(state.isList && { is_list: true }),
    ttl: state.ttl ?? null,
    schema: (recordedSchema(resolved, vertex, state) ?? null) as JsonObject | null,
    ...sizesOf((resolved?.partitions ?? []).filter((part) => part.vertex === vertex.uid)),
  }));
  return { checkpoint: checkpoint === 0 ? null : checkpoint, states };
}

async function resolvedAt(
  job: ReachableJob,
  checkpoint: number,
  blobStore: BlobStore,
  chains: ResolvedChains,
): Promise<ResolvedManifest> {
  return await chains.get(blobStore, await checkpointPath(job.peers.coordinator(), checkpoint));
}

/** A state is recorded under the name it was first declared with. */
function recordedSchema(
  resolved: ResolvedManifest | undefined,
  vertex: KeyedVertex,
  state: KeyedState,
): StateSchema | undefined {
  const recorded = resolved?.schema?.find((one) => one.vertex === vertex.uid);
  const { name } = declaredSchemaOf(vertex, state.name);
  return recorded?.states.find((one) => one.name === name);
}

/** States of one vertex share its tables: the figures are the vertex's. */
function sizesOf(partitions: readonly PartitionTables[]) {
  const tables = partitions.flatMap((partition) => partition.tables);
  return {
    state_size: tables.reduce((sum, { size }) => sum + size, 0),
    tables: tables.length,
    /** Versions of a key that were not merged yet count each. */
    entries: tables.reduce((sum, { entries }) => sum + entries, 0),
  };
}
