/**
 * The list of a job's states: names, kinds, and sizes as of the latest completed checkpoint. Asks the
 * coordinator and the bucket; wakes no partition.
 */
import type { JsonObject } from "../../durable-objects/coordinator-queries.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { PartitionTables } from "../../state-engine/index.ts";
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
  const partitions = checkpoint === 0 ? [] : await partitionsAt(job, checkpoint, blobStore, chains);
  const states = statesOf(job.graph).map(({ vertex, state }) => ({
    name: state.name,
    vertex: vertex.uid,
    kind: vertex.operator.kind,
    key_type: state.keyType,
    value_type: state.valueType,
    ...sizesOf(partitions.filter((partition) => partition.vertex === vertex.uid)),
  }));
  return { checkpoint: checkpoint === 0 ? null : checkpoint, states };
}

async function partitionsAt(
  job: ReachableJob,
  checkpoint: number,
  blobStore: BlobStore,
  chains: ResolvedChains,
): Promise<readonly PartitionTables[]> {
  const path = await checkpointPath(job.peers.coordinator(), checkpoint);
  return (await chains.get(blobStore, path)).partitions;
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
