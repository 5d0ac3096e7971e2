/**
 * Reads at a completed checkpoint: from the bucket, without touching a partition [21]. The layout is
 * that of the checkpoint, which may have had another parallelism than the job has now.
 */
import type { KeyedVertex } from "../../dataflow/job-graph.ts";
import { mergeOperatorsOf } from "../../dataflow/keyed/keyed-states.ts";
import { readLive, scanLive } from "../../durable-objects/partition/reads.ts";
import type { CoordinatorQueries } from "../../durable-objects/coordinator-queries.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { Environment } from "../../state-engine/environment.ts";
import { openReadOnly } from "../../state-engine/index.ts";
import type { PartitionTables, ReadOnlyStateEngine } from "../../state-engine/index.ts";
import { checkpointPath } from "./checkpoint-path.ts";
import type { ResolvedChains } from "./resolved-chains.ts";
import type { StateReads } from "./state-reads.ts";

export interface CheckpointPlace {
  readonly coordinator: Pick<CoordinatorQueries, "locateCheckpoint">;
  readonly environment: Environment;
  readonly vertex: KeyedVertex;
  readonly checkpoint: number;
  readonly blobStore: BlobStore;
  readonly chains: ResolvedChains;
}

/** Throws the 404 or 410 of the contract, also when the checkpoint goes while it is read. */
export async function readAtCheckpoint<Answer>(
  { coordinator, environment, vertex, checkpoint, blobStore, chains }: CheckpointPlace,
  read: (reads: StateReads) => Promise<Answer>,
): Promise<Answer> {
  const path = await checkpointPath(coordinator, checkpoint);
  const opened: ReadOnlyStateEngine[] = [];
  try {
    const { manifest, partitions } = await chains.get(blobStore, path);
    const live = partitionsOf(vertex, partitions, (tables) => {
      const engine = openReadOnly({
        environment,
        blobStore,
        tables: tables.tables,
        keyGroups: tables.keyGroups,
        mergeOperators: mergeOperatorsOf(vertex),
        time: tables.time,
      });
      opened.push(engine);
      return engine;
    });
    return await read({
      maxParallelism: manifest.maxParallelism,
      parallelism: live.length,
      read: (index, request) => readLive(live[index]!, request),
      scan: (index, request) => scanLive(live[index]!, request),
    });
  } catch (error) {
    // Something was missing: perhaps the checkpoint was subsumed and swept meanwhile. Then this throws the 410.
    await checkpointPath(coordinator, checkpoint);
    throw error;
  } finally {
    for (const engine of opened) engine.close();
  }
}

function partitionsOf(
  vertex: KeyedVertex,
  partitions: readonly PartitionTables[],
  open: (tables: PartitionTables) => ReadOnlyStateEngine,
) {
  return partitions
    .filter((partition) => partition.vertex === vertex.uid)
    .toSorted((left, right) => left.index - right.index)
    .map((tables) => {
      const engine = open(tables);
      // Nothing changes while it is read: every view is a snapshot.
      const snapshot = () => ({ sequence: tables.sequence, release: () => {} });
      return {
        vertex,
        times: tables,
        keyGroups: tables.keyGroups,
        engine: {
          get: (key: Uint8Array) => engine.get(key),
          scan: ({
            snapshot: _snapshot,
            ...options
          }: Parameters<typeof engine.scan>[0] & { snapshot?: unknown }) => engine.scan(options),
          snapshot,
        },
      };
    });
}
