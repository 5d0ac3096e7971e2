/**
 * Checks what a checkpoint lists for one partition: the invariants V1 to V6 of version/invariants.ts, as
 * findings instead of failures.
 */
import { StateEngineError } from "../errors.ts";
import type { PartitionTables } from "../manifest/manifest.ts";
import { checkInvariants } from "../version/invariants.ts";
import { openVersion } from "../version/open-version.ts";

export function verifyVersion({ tables, keyGroups, sequence, ...name }: PartitionTables): string[] {
  try {
    checkInvariants(openVersion(tables, keyGroups), sequence);
    return [];
  } catch (error) {
    const isFinding = error instanceof StateEngineError || /\bV\d: /.test(String(error));
    if (!isFinding) throw error;
    return [`Partition ${name.vertex}/${name.index}: ${(error as Error).message}`];
  }
}
