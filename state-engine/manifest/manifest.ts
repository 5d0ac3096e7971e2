/**
 * The manifest of one checkpoint: an immutable object that names, for every partition of the job, the
 * tables that are new against its parent and those that are gone. A full manifest has no parent and
 * lists everything. Plain JSON; a table's TableReference appears as it is.
 *
 * A delta names its whole chain, first the full manifest it rests on, so that a reader can get all
 * parts at once [35]. Inline tables repeat their bytes in every full manifest [9].
 */
import type { KeyGroupRange, TableReference } from "../version/table-reference.ts";
import type { VertexSchema } from "./state-schema.ts";

export const MANIFEST_FORMAT_VERSION = 1;
/** Of manifests that list a table with a `fromKey`: who does not know it must not read them. */
export const NARROWED_MANIFEST_FORMAT_VERSION = 2;

export interface Manifest {
  readonly formatVersion: number;
  /** The checkpoint's id; for a savepoint the id it was taken under. */
  readonly id: number;
  readonly kind: "checkpoint" | "savepoint";
  readonly job: string;
  /** The checkpoint this one is a delta of; null on a full one. */
  readonly parent: number | null;
  /** Paths of the manifests this one builds on, oldest (full) first, parent last. Empty on a full one. */
  readonly chain: readonly string[];
  readonly generation: number;
  /** Tells our own earlier attempt from a stranger's object after an unknown outcome [33]. */
  readonly nonce: string;
  /** Milliseconds since the epoch at which the checkpoint was triggered. */
  readonly triggeredAt: number;
  readonly maxParallelism: number;
  /** On a full one: the keyed states behind the tables. Its deltas have the same. */
  readonly schema?: readonly VertexSchema[];
  readonly sources: readonly ManifestSource[];
  readonly partitions: readonly ManifestPartition[];
}

export interface ManifestSource {
  readonly source: number;
  /** Lines before this one are in the checkpoint. */
  readonly offset: number;
  readonly watermark: string | null;
}

/** One partition's difference to the parent. A delta leaves out partitions that changed in nothing. */
export interface ManifestPartition {
  readonly vertex: string;
  readonly index: number;
  readonly keyGroups: KeyGroupRange;
  readonly added: readonly TableReference[];
  /** Identities (tableIdentity) of tables the parent lists and this checkpoint does not. */
  readonly removed: readonly string[];
  /** Tables that stay and changed only their place among the levels, or what is left of them there. */
  readonly moved: readonly MovedTable[];
  readonly sequence: number;
  readonly time: number;
  readonly watermarks: Readonly<Record<string, number>>;
  /** Event time the operator has reached; absent while unknown. */
  readonly watermark?: number;
  /** Frames that the checkpoint's barrier overtook; absent when there were none. */
  readonly inFlight?: InFlightReference;
}

/**
 * Frames on their way to a partition, or from it, that its state does not hold yet (FORMAT.md). They
 * belong to this checkpoint alone: a delta that lists its partition without them has none.
 */
export interface InFlightReference {
  readonly frames: number;
  /** Of the frames themselves. */
  readonly bytes: number;
  /** Base64, or the object that holds nothing else. */
  readonly data: { readonly inline: string } | { readonly path: string; readonly size: number };
}

export interface MovedTable {
  readonly table: string;
  readonly level: number;
  readonly run: number;
  /** As in the reference; absent when it has none. */
  readonly fromKey?: string;
}

/** What a checkpoint says of one partition in full: what an acknowledgement brings and a chain resolves to. */
export interface PartitionTables {
  readonly vertex: string;
  readonly index: number;
  readonly keyGroups: KeyGroupRange;
  readonly tables: readonly TableReference[];
  readonly sequence: number;
  readonly time: number;
  readonly watermarks: Readonly<Record<string, number>>;
  /** Event time the operator has reached; absent while unknown. */
  readonly watermark?: number;
  /** Frames that the checkpoint's barrier overtook; absent when there were none. */
  readonly inFlight?: InFlightReference;
}

/**
 * Identity of a table reference within one partition: after a rescale the same table may be listed
 * twice with different clips, and both are needed [16].
 */
export function tableIdentity(table: TableReference): string {
  return `${table.id}@${table.keyGroups.first}-${table.keyGroups.last}`;
}
