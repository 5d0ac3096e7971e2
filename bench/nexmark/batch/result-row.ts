/**
 * One row of a query's result: plain JSON, its fields always in the same order, so that equal rows are equal
 * text. Times are milliseconds since 1970 (UTC), windows are [start, end).
 */
import type { NexmarkEvent } from "../generator/event.ts";

export type ResultRow = Readonly<Record<string, string | number>>;

/** Computes a query's whole result at once. The order of the events must not matter, nor that of the rows. */
export type BatchQuery = (events: readonly NexmarkEvent[]) => readonly ResultRow[];
