/**
 * From a manifest to the tables of every partition. A delta names its whole chain, so everything is
 * read at once and applied oldest first [35].
 */
import type { BlobStore } from "../blob-store/blob-store.ts";
import type { Environment } from "../environment.ts";
import { StateEngineError } from "../errors.ts";
import { FORMAT_VERSION } from "../sst/format.ts";
import { NARROWED_FORMAT_VERSION } from "../version/table-reference.ts";
import type { TableReference } from "../version/table-reference.ts";
import { decodeManifest } from "./encode-manifest.ts";
import { tableIdentity } from "./manifest.ts";
import type { Manifest, ManifestPartition, MovedTable, PartitionTables } from "./manifest.ts";
import type { VertexSchema } from "./state-schema.ts";

export interface ResolvedManifest {
  readonly manifest: Manifest;
  /** Of the full manifest; absent when it was written before schemas were recorded. */
  readonly schema?: readonly VertexSchema[];
  readonly partitions: readonly PartitionTables[];
}

/** Reads the manifest at `path` and its chain. Throws "unavailable" when one of them is gone. */
export async function resolveChain(
  blobStore: BlobStore,
  path: string,
  environment: Pick<Environment, "crc32">,
): Promise<ResolvedManifest> {
  const read = async (path: string): Promise<Manifest> => {
    const bytes = await blobStore.get(path);
    if (bytes === undefined) {
      throw new StateEngineError(
        "unavailable",
        `Manifest ${path} is gone: the checkpoint is no longer retained.`,
      );
    }
    return decodeManifest(bytes, environment, path);
  };
  const manifest = await read(path);
  const older = await Promise.all(manifest.chain.map(read));
  const { schema } = older[0] ?? manifest;
  return {
    manifest,
    ...(schema !== undefined && { schema }),
    partitions: applyChain([...older, manifest]),
  };
}

/** Applies manifests oldest (full) first. Pure. Throws "corruption" when they do not follow each other. */
export function applyChain(manifests: readonly Manifest[]): PartitionTables[] {
  const partitions = new Map<string, PartitionTables>();
  let before: Manifest | undefined;
  for (const manifest of manifests) {
    if (manifest.parent !== (before?.id ?? null)) {
      throw new StateEngineError(
        "corruption",
        `Manifest ${manifest.id} names parent ${manifest.parent}, found ${before?.id ?? null}.`,
      );
    }
    for (const part of manifest.partitions) {
      const name = JSON.stringify([part.vertex, part.index]);
      partitions.set(name, applyPartition(partitions.get(name)?.tables ?? [], part, manifest.id));
    }
    before = manifest;
  }
  return [...partitions.values()];
}

function applyPartition(
  before: readonly TableReference[],
  part: ManifestPartition,
  id: number,
): PartitionTables {
  const { added, removed, moved, ...rest } = part;
  const tables = new Map(before.map((table) => [tableIdentity(table), table]));
  const known = (identity: string): TableReference => {
    const table = tables.get(identity);
    if (table !== undefined) return table;
    throw new StateEngineError(
      "corruption",
      `Manifest ${id} changes table ${identity}, which its parent does not list.`,
    );
  };
  for (const identity of removed) {
    known(identity);
    tables.delete(identity);
  }
  for (const { table, ...place } of moved) tables.set(table, movedTo(known(table), place));
  for (const table of added) tables.set(tableIdentity(table), table);
  return { ...rest, tables: [...tables.values()] };
}

function movedTo(
  { fromKey: _before, ...table }: TableReference,
  place: Omit<MovedTable, "table">,
): TableReference {
  const formatVersion = place.fromKey === undefined ? FORMAT_VERSION : NARROWED_FORMAT_VERSION;
  return { ...table, ...place, formatVersion };
}
