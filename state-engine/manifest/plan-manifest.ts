/**
 * Decides what a checkpoint's manifest says: a delta against its parent, or everything. Pure. When
 * the deltas since the last full manifest list as many tables as it does, or there are 32 of them,
 * the next one is full: so at most half of all bytes written are repeats (Pebble's rule).
 */
import type { TableReference } from "../version/table-reference.ts";
import {
  MANIFEST_FORMAT_VERSION,
  NARROWED_MANIFEST_FORMAT_VERSION,
  tableIdentity,
} from "./manifest.ts";
import type { Manifest, ManifestPartition, MovedTable, PartitionTables } from "./manifest.ts";
import type { VertexSchema } from "./state-schema.ts";

export const MAXIMUM_CHAIN = 32;

/** What the coordinator keeps of the last completed checkpoint to plan the next one. */
export interface PreviousManifest {
  readonly id: number;
  readonly path: string;
  /** Chain of that manifest, without itself. */
  readonly chain: readonly string[];
  /** Tables listed by the full manifest at the chain's beginning. */
  readonly fullTables: number;
  /** Tables listed (added, removed or moved) by all deltas since, that manifest's included. */
  readonly deltaTables: number;
  /** What it says of every partition. */
  readonly partitions: readonly PartitionTables[];
}

export interface ManifestRequest extends Pick<
  Manifest,
  "id" | "kind" | "job" | "generation" | "nonce" | "triggeredAt" | "maxParallelism" | "sources"
> {
  /** Every partition of the job, as acknowledged (an "unchanged" one as in the base). */
  readonly partitions: readonly PartitionTables[];
  /** The keyed states of the job. */
  readonly schema?: readonly VertexSchema[];
  /** The last completed checkpoint with the same schema; undefined when there is none or when a full manifest is wanted. */
  readonly previous: PreviousManifest | undefined;
}

export interface PlannedManifest {
  readonly manifest: Manifest;
  /** For the next PreviousManifest. */
  readonly fullTables: number;
  readonly deltaTables: number;
  /** Over all partitions. */
  readonly newTables: number;
  readonly reusedTables: number;
}

/** A savepoint is always full [9]; so is the first manifest after the partitions changed [40]. */
export function planManifest(request: ManifestRequest): PlannedManifest {
  const { previous } = request;
  const tables = request.partitions.reduce((sum, { tables }) => sum + tables.length, 0);
  const known = previousIdentities(previous);
  const reusedTables = countReused(request.partitions, known);
  const newTables = tables - reusedTables;
  const deltas = previous && request.partitions.map((partition) => delta(partition, previous));
  const listed = (deltas ?? []).reduce((sum, part) => sum + listedTables(part), 0);
  const isDelta =
    previous !== undefined &&
    request.kind === "checkpoint" &&
    sameLayout(request.partitions, previous.partitions) &&
    previous.chain.length + 1 < MAXIMUM_CHAIN &&
    previous.deltaTables + listed <= Math.max(previous.fullTables, 1);
  const common = {
    id: request.id,
    kind: request.kind,
    job: request.job,
    generation: request.generation,
    nonce: request.nonce,
    triggeredAt: request.triggeredAt,
    maxParallelism: request.maxParallelism,
    sources: request.sources,
  };
  if (isDelta) {
    const partitions = deltas!.filter((part, index) => changed(part, request, previous, index));
    const manifest: Manifest = {
      formatVersion: formatVersionOf(partitions),
      ...common,
      parent: previous.id,
      chain: [...previous.chain, previous.path],
      partitions,
    };
    const deltaTables = previous.deltaTables + listed;
    return { manifest, fullTables: previous.fullTables, deltaTables, newTables, reusedTables };
  }
  const partitions = request.partitions.map(({ tables, ...rest }) => ({
    ...rest,
    added: tables,
    removed: [],
    moved: [],
  }));
  const { schema } = request;
  const manifest: Manifest = {
    formatVersion: formatVersionOf(partitions),
    ...common,
    ...(schema !== undefined && { schema }),
    parent: null,
    chain: [],
    partitions,
  };
  return { manifest, fullTables: tables, deltaTables: 0, newTables, reusedTables };
}

/** The oldest version whose readers understand what is listed. */
function formatVersionOf(partitions: readonly ManifestPartition[]): number {
  const isNarrowed = partitions.some(({ added, moved }) =>
    [...added, ...moved].some(({ fromKey }) => fromKey !== undefined),
  );
  return isNarrowed ? NARROWED_MANIFEST_FORMAT_VERSION : MANIFEST_FORMAT_VERSION;
}

function find(
  partitions: readonly PartitionTables[],
  wanted: PartitionTables,
): PartitionTables | undefined {
  return partitions.find(({ vertex, index }) => vertex === wanted.vertex && index === wanted.index);
}

function sameLayout(now: readonly PartitionTables[], before: readonly PartitionTables[]): boolean {
  if (now.length !== before.length) return false;
  return now.every((partition) => {
    const old = find(before, partition);
    return (
      old !== undefined &&
      old.keyGroups.first === partition.keyGroups.first &&
      old.keyGroups.last === partition.keyGroups.last
    );
  });
}

function delta(partition: PartitionTables, previous: PreviousManifest): ManifestPartition {
  const { tables, ...rest } = partition;
  const before = new Map<string, TableReference>();
  for (const table of find(previous.partitions, partition)?.tables ?? []) {
    before.set(tableIdentity(table), table);
  }
  const added: TableReference[] = [];
  const moved: MovedTable[] = [];
  for (const table of tables) {
    const identity = tableIdentity(table);
    const old = before.get(identity);
    if (old === undefined) added.push(table);
    else if (old.level !== table.level || old.run !== table.run || old.fromKey !== table.fromKey) {
      const { level, run, fromKey } = table;
      moved.push({ table: identity, level, run, ...(fromKey !== undefined && { fromKey }) });
    }
    before.delete(identity);
  }
  return { ...rest, added, removed: [...before.keys()], moved };
}

function listedTables(part: ManifestPartition): number {
  return part.added.length + part.removed.length + part.moved.length;
}

function changed(
  part: ManifestPartition,
  request: ManifestRequest,
  previous: PreviousManifest,
  index: number,
): boolean {
  if (listedTables(part) > 0) return true;
  const now = request.partitions[index]!;
  const before = find(previous.partitions, now)!;
  return (
    now.inFlight !== undefined ||
    before.inFlight !== undefined ||
    now.sequence !== before.sequence ||
    now.time !== before.time ||
    now.watermark !== before.watermark ||
    JSON.stringify(now.watermarks) !== JSON.stringify(before.watermarks)
  );
}

function previousIdentities(previous: PreviousManifest | undefined): ReadonlySet<string> {
  const identities = new Set<string>();
  for (const { tables } of previous?.partitions ?? []) {
    for (const table of tables) identities.add(table.id);
  }
  return identities;
}

function countReused(partitions: readonly PartitionTables[], known: ReadonlySet<string>): number {
  let reused = 0;
  for (const { tables } of partitions) {
    for (const table of tables) if (known.has(table.id)) reused++;
  }
  return reused;
}
