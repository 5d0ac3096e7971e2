/**
 * A manifest's bytes, and what a chain of manifests says of every partition.
 */
import {
  MANIFEST_FORMAT_VERSION,
  StateEngineError,
  tableIdentity,
  type Manifest,
  type PartitionTables,
} from "../../state-engine/index.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";

export function encodeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(manifest));
}

export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  const manifest = JSON.parse(new TextDecoder().decode(bytes)) as Manifest;
  if (manifest.formatVersion !== MANIFEST_FORMAT_VERSION) {
    throw new StateEngineError(
      "invalid",
      `The manifest has a format version this code cannot read. path=${path} formatVersion=${manifest.formatVersion}`,
    );
  }
  return manifest;
}

/** Reads the manifest at `path` and those it builds on, at once [35], and replays the deltas. */
export async function resolveChain(
  blobStore: BlobStore,
  path: string,
): Promise<readonly PartitionTables[]> {
  const newest = await readManifest(blobStore, path);
  const older = await Promise.all(newest.chain.map((one) => readManifest(blobStore, one)));
  const partitions = new Map<string, PartitionTables>();
  for (const manifest of [...older, newest]) {
    for (const part of manifest.partitions) {
      const { added, moved, removed, ...rest } = part;
      const name = `${part.vertex}/${part.index}`;
      const tables = new Map(
        (partitions.get(name)?.tables ?? []).map((table) => [tableIdentity(table), table]),
      );
      for (const identity of removed) tables.delete(identity);
      for (const { level, run, table } of moved) {
        tables.set(table, { ...tables.get(table)!, level, run });
      }
      for (const table of added) tables.set(tableIdentity(table), table);
      partitions.set(name, { ...rest, tables: [...tables.values()] });
    }
  }
  return [...partitions.values()];
}

async function readManifest(blobStore: BlobStore, path: string): Promise<Manifest> {
  const bytes = await blobStore.get(path);
  if (bytes === undefined) {
    throw new StateEngineError("unavailable", `A manifest is missing. path=${path}`);
  }
  return decodeManifest(bytes, path);
}
