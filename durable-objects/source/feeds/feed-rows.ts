/** What a source keeps of its feeds: one row each, written in the transaction of the lines it fed. */
import type { Sql } from "../../object-context.ts";

export interface FeedRow {
  readonly hasEnded: boolean;
  /** Lines it put into this source's log. */
  readonly lines: number;
  /** As its reader wrote it; undefined before the first step. */
  readonly progress: object | undefined;
}

const none: FeedRow = { hasEnded: false, lines: 0, progress: undefined };

export class FeedRows {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.exec("CREATE TABLE IF NOT EXISTS feeds (name TEXT PRIMARY KEY, json TEXT) WITHOUT ROWID");
  }

  read(name: string): FeedRow {
    const [row] = this.#sql.exec<{ json: string }>("SELECT json FROM feeds WHERE name = ?", name);
    return row === undefined ? none : (JSON.parse(row.json) as FeedRow);
  }

  /** Writes one row. */
  write(name: string, row: FeedRow): void {
    this.#sql.exec("INSERT OR REPLACE INTO feeds VALUES (?, ?)", name, JSON.stringify(row));
  }
}
