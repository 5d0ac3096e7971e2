/**
 * The coordinator's tables. Columns that queries select by are columns; what is only ever read and
 * written as a whole is one JSON text, because each row written is billed whatever its size.
 */
import type { Sql } from "../object-context.ts";

const statements = [
  "CREATE TABLE IF NOT EXISTS job (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), record TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS source (number INTEGER PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS task (vertex TEXT, number INTEGER, data TEXT NOT NULL, PRIMARY KEY (vertex, number)) WITHOUT ROWID",
  // What the latest completed checkpoint says of each partition: attach answers from here [35].
  "CREATE TABLE IF NOT EXISTS partition_state (vertex TEXT, number INTEGER, data TEXT NOT NULL, PRIMARY KEY (vertex, number)) WITHOUT ROWID",
  // The latest acknowledgement of each task; it counts only for the pending checkpoint of the same id.
  "CREATE TABLE IF NOT EXISTS acknowledgement (vertex TEXT, number INTEGER, checkpoint INTEGER NOT NULL, data TEXT NOT NULL, output BLOB, PRIMARY KEY (vertex, number)) WITHOUT ROWID",
  // Committed output, or where it is; no row is ever changed.
  "CREATE TABLE IF NOT EXISTS output (number INTEGER PRIMARY KEY, committed_at INTEGER NOT NULL, records INTEGER NOT NULL, segments TEXT NOT NULL, bytes BLOB)",
  // What external sinks still have to commit [19]; parked: the job has no such sink at present.
  "CREATE TABLE IF NOT EXISTS sink_commit (sink TEXT, checkpoint INTEGER, layout TEXT NOT NULL, parked INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (sink, checkpoint)) WITHOUT ROWID",
  // What each sink keeps for itself, and how its last attempts went.
  "CREATE TABLE IF NOT EXISTS sink_state (sink TEXT PRIMARY KEY, state TEXT, failures INTEGER NOT NULL DEFAULT 0, next_attempt_at INTEGER, error TEXT) WITHOUT ROWID",
  // The bytes of the pending checkpoint's manifest, fixed before the first PUT [33].
  "CREATE TABLE IF NOT EXISTS manifest_bytes (part INTEGER PRIMARY KEY, bytes BLOB NOT NULL)",
  // Manifests that are in the bucket, or may be.
  "CREATE TABLE IF NOT EXISTS manifest (path TEXT PRIMARY KEY, id INTEGER NOT NULL, size INTEGER NOT NULL, dead INTEGER NOT NULL DEFAULT 0, delete_again_at INTEGER) WITHOUT ROWID",
  // The registry of objects [10].
  "CREATE TABLE IF NOT EXISTS object (path TEXT PRIMARY KEY, size INTEGER NOT NULL, created_by INTEGER NOT NULL, last_used INTEGER, dead INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
  // Of an object that a start from an older checkpoint took up again: the checkpoints between that do not list it.
  "CREATE TABLE IF NOT EXISTS object_gap (path TEXT PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID",
  "CREATE INDEX IF NOT EXISTS dropped_object ON object (last_used) WHERE last_used IS NOT NULL",
  // Completed checkpoints that can be restored, in order of completion.
  "CREATE TABLE IF NOT EXISTS retained (completion INTEGER PRIMARY KEY, id INTEGER NOT NULL, data TEXT NOT NULL)",
  // Statistics of the last checkpoints, completed or failed.
  "CREATE TABLE IF NOT EXISTS history (id INTEGER PRIMARY KEY, status TEXT NOT NULL, detail TEXT NOT NULL, subtasks TEXT NOT NULL)",
  "CREATE TABLE IF NOT EXISTS exception (number INTEGER PRIMARY KEY, data TEXT NOT NULL)",
  // Lines at which functions threw, and those given up [42].
  "CREATE TABLE IF NOT EXISTS failed_line (source INTEGER, line INTEGER, given_up INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (source, line)) WITHOUT ROWID",
  "CREATE TABLE IF NOT EXISTS request (id TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID",
];

export function createSchema(sql: Sql): void {
  for (const statement of statements) sql.exec(statement);
}
