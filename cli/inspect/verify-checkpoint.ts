/**
 * Verifies one checkpoint on its real bytes: its manifest and the chain it rests on, what each partition
 * lists (V1 to V6), every table it names, block by block (T1 to T7), and what it holds in flight (F1).
 */
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import {
  StateEngineError,
  resolveChain,
  verifyTable,
  verifyVersion,
} from "../../state-engine/index.ts";
import type { ResolvedManifest } from "../../state-engine/index.ts";
import type { TableReference } from "../../state-engine/version/table-reference.ts";
import { readInFlight } from "../../durable-objects/partition/in-flight.ts";
import type { InFlightReference } from "../../state-engine/manifest/manifest.ts";
import { nodeEnvironment } from "./node-environment.ts";

export interface Verification {
  /** Sentences with path, offset, expected and found; none when all is well. */
  readonly findings: readonly string[];
  readonly tables: number;
  readonly bytes: number;
}

const environment = nodeEnvironment();

export async function verifyCheckpoint(blobStore: BlobStore, path: string): Promise<Verification> {
  const findings: string[] = [];
  let resolved: ResolvedManifest;
  try {
    resolved = await resolveChain(blobStore, path, environment);
  } catch (error) {
    return { findings: [`M1 ${messageOf(error)}`], tables: 0, bytes: 0 };
  }
  const verified = new Set<string>();
  let bytes = 0;
  for (const partition of resolved.partitions) {
    findings.push(...verifyVersion(partition));
    if (partition.inFlight !== undefined) {
      findings.push(...(await verifyInFlight(blobStore, partition.inFlight)));
    }
    for (const table of partition.tables) {
      // After a rescale several partitions name one table.
      if (verified.has(table.id)) continue;
      verified.add(table.id);
      bytes += table.size;
      findings.push(...(await verifyStored(blobStore, table)));
    }
  }
  return { findings, tables: verified.size, bytes };
}

async function verifyInFlight(
  blobStore: BlobStore,
  inFlight: InFlightReference,
): Promise<string[]> {
  try {
    const frames = await readInFlight(inFlight, blobStore, environment);
    if (frames.length === inFlight.frames) return [];
    return [`F1 In-flight frames: expected ${inFlight.frames}, found ${frames.length}.`];
  } catch (error) {
    return [`F1 ${messageOf(error)}`];
  }
}

async function verifyStored(blobStore: BlobStore, table: TableReference): Promise<string[]> {
  const { path, offset, size, inline } = table;
  if (inline !== undefined) {
    return verifyTable(new Uint8Array(Buffer.from(inline, "base64")), table, environment);
  }
  try {
    const bytes = await blobStore.getRange(path, offset, size);
    if (bytes !== undefined) return verifyTable(bytes, table, environment);
    return [`M2 Object ${path} is gone: offset=${offset} expected ${size} bytes, found none.`];
  } catch (error) {
    return [`M2 ${messageOf(error)}`];
  }
}

function messageOf(error: unknown): string {
  if (error instanceof StateEngineError) return error.message;
  throw error;
}
