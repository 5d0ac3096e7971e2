/**
 * How large the engine's buffers may be, from the share of memory it has at the moment: everything that
 * is held at once (memtables, a table being built, blocks read ahead by several cursors, requests under
 * way) has to fit in it together. Pure; asked again whenever the share may have changed.
 */
import type { MemoryPool } from "./environment.ts";
import type { EngineTuning } from "./options.ts";

/** The platform's own limit of open connections, of each object. */
export const REQUESTS_IN_FLIGHT = 6;
const LEAST_BUFFER_BYTES = 64 * 1024;
const MEBIBYTE = 1024 * 1024;

/** A memtable is frozen at this size: the active one and one being flushed take half of the share at most. */
export function memtableLimit(tuning: EngineTuning, shareBytes: number): number {
  return Math.min(tuning.memtableBytes, part(shareBytes, 4));
}

/** A compaction cuts its output at this size: while it is finished there are up to three copies of it. */
export function tableLimit(tuning: EngineTuning, shareBytes: number): number {
  return Math.min(tuning.tableBytes, part(shareBytes, 8));
}

/** Tables that only memory has are left uncompressed up to this many bytes of them. */
export function deferredCompressionLimit(shareBytes: number): number {
  return part(shareBytes, 4);
}

/** Tables smaller than the limit of their own object are packed into objects of this size. */
export function packedObjectLimit(shareBytes: number): number {
  return Math.min(8 * MEBIBYTE, part(shareBytes, 8));
}

/** Most bytes one request reads when near ranges are joined; six may be under way. */
export function joinedRangeLimit(shareBytes: number): number {
  return Math.min(4 * MEBIBYTE, part(shareBytes, 32));
}

/** Cursors that scans may have open together, each with a block and as much again to unfold it in. */
export function scanCursorLimit(blockBytes: number, shareBytes: number): number {
  return Math.floor(shareBytes / 8 / (blockBytes * 2));
}

/** Bytes one of `cursors` that wait together reads beyond what it needs; `wantedBytes` when memory is ample. */
export function readAheadLimit(wantedBytes: number, shareBytes: number, cursors: number): number {
  return Math.floor(Math.min(wantedBytes, shareBytes / 64, shareBytes / 16 / cursors));
}

/** Bytes one request of a pass over `runs` runs together reads: of each there is one piece in use and one to come. */
export function passPieceLimit(shareBytes: number, runs: number): number {
  return Math.floor(Math.min(256 * 1024, shareBytes / 16 / runs));
}

/**
 * Requests one member may have under way. The platform allows every object six of its own; what they bring is in
 * the isolate's memory, so members share six as they share that, down to a read and a write each.
 */
export function requestLimit(memory: MemoryPool): number {
  return Math.max(2, Math.floor((REQUESTS_IN_FLIGHT * memory.share()) / memory.limitBytes));
}

function part(shareBytes: number, parts: number): number {
  return Math.max(LEAST_BUFFER_BYTES, Math.floor(shareBytes / parts));
}
