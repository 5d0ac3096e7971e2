/**
 * Decides how the tables of a checkpoint travel: inline while the partition's live inline bytes stay
 * small, flushed and small ones packed into one object, large ones each in its own. Pure [9, 31].
 */
import type { Table } from "../sst/table.ts";

/** From this size a table has its own object: it lives long, and must not be pinned by neighbours. */
const OWN_OBJECT_BYTES = 1024 * 1024;
/** Below this all inline tables move at once, for the fewest objects; above it a checkpoint must stay in proportion to what is new. */
const SMALL_STATE_BYTES = 64 * 1024;
/** New bytes and moved ones together, as a part of all: moving is worth less than that. */
const UPLOAD_RATIO = 0.04;

export interface UploadPlan {
  readonly inline: readonly Table[];
  /** Each becomes one object. */
  readonly objects: readonly (readonly Table[])[];
}

/** `live`: every table of the checkpoint. `unwritten`: those of them that need writing. */
export function planUploads(
  live: readonly Table[],
  unwritten: readonly Table[],
  inlineLimitBytes: number,
): UploadPlan {
  if (unwritten.length === 0) return { inline: [], objects: [] };
  const inlineNow = live.filter(
    (table) => table.description.inline !== undefined && !unwritten.includes(table),
  );
  const newBytes = size(unwritten);
  if (size(inlineNow) + newBytes <= inlineLimitBytes) return { inline: unwritten, objects: [] };
  // An object is needed anyway. Inline tables move into it only when they take up the room of new ones.
  const small = unwritten.filter((table) => table.storedBytes < OWN_OBJECT_BYTES);
  const crowded = newBytes <= inlineLimitBytes;
  const moved = crowded ? oldestInline(inlineNow, size(live), newBytes) : [];
  const packed = [...moved, ...small];
  const large = unwritten.filter((table) => table.storedBytes >= OWN_OBJECT_BYTES);
  const objects = large.map((table) => [table]);
  return { inline: [], objects: packed.length > 0 ? [packed, ...objects] : objects };
}

/** Inline tables that make room. They are uploaded a second time, so only while the checkpoint stays small. `live` is newest first. */
function oldestInline(
  inlineNow: readonly Table[],
  liveBytes: number,
  newBytes: number,
): readonly Table[] {
  if (liveBytes < SMALL_STATE_BYTES) return inlineNow;
  let left = UPLOAD_RATIO * liveBytes - newBytes;
  return inlineNow.toReversed().filter((table) => (left -= table.storedBytes) >= 0);
}

function size(tables: readonly Table[]): number {
  return tables.reduce((sum, table) => sum + table.storedBytes, 0);
}
