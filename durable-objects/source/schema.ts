/**
 * The tables of a source. Rows written are the platform's dearest meter, so a segment is one row, a
 * producer is one row, and everything else a source must not forget is one row of JSON (standing.ts).
 */
import type { Sql } from "../object-context.ts";

export function createSourceTables(sql: Sql): void {
  // start_byte: bytes ever accepted before this segment, so that sizes need no scan.
  sql.exec(`CREATE TABLE IF NOT EXISTS segments (
    first_line INTEGER PRIMARY KEY,
    lines INTEGER NOT NULL,
    start_byte INTEGER NOT NULL,
    arrival_time INTEGER NOT NULL,
    bytes BLOB NOT NULL
  )`);
  // open_sequence is -1 when no sequence is open; closed_sequence is -1 before the first one closed.
  sql.exec(`CREATE TABLE IF NOT EXISTS producers (
    id TEXT PRIMARY KEY,
    closed_sequence INTEGER NOT NULL,
    open_sequence INTEGER NOT NULL,
    lines_in INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
  ) WITHOUT ROWID`);
  sql.exec(`CREATE TABLE IF NOT EXISTS standing (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    json TEXT NOT NULL
  )`);
}
