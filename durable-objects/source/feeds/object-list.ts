/**
 * The objects of a feed that are this source's share, as they were listed: one row each, kept for ever,
 * because an object is read once. Rounds number the listings; within a round objects go by their keys.
 */
import { hash32 } from "../../../state-engine/index.ts";
import type { InputObject } from "../../inputs.ts";
import type { Sql } from "../../object-context.ts";

/** Objects taken from the table at once. */
const mostAtOnce = 1_000;

export class ObjectList {
  readonly #sql: Sql;
  readonly #feed: string;

  constructor(sql: Sql, feed: string) {
    this.#sql = sql;
    this.#feed = feed;
    sql.exec(`CREATE TABLE IF NOT EXISTS feed_objects (
      feed TEXT NOT NULL,
      key TEXT NOT NULL,
      etag TEXT NOT NULL,
      size INTEGER NOT NULL,
      round INTEGER NOT NULL,
      PRIMARY KEY (feed, key)
    ) WITHOUT ROWID`);
  }

  /** Those of `objects`, which are in order, that are not in the list. */
  unknown(objects: readonly InputObject[]): readonly InputObject[] {
    const [first, last] = [objects[0], objects.at(-1)];
    if (first === undefined || last === undefined) return [];
    const rows = this.#sql.exec<{ key: string }>(
      "SELECT key FROM feed_objects WHERE feed = ? AND key >= ? AND key <= ?",
      this.#feed,
      first.key,
      last.key,
    );
    const known = new Set(rows.map(({ key }) => key));
    return objects.filter(({ key }) => !known.has(key));
  }

  /** Within a transaction; answers the rows written. */
  add(objects: readonly InputObject[], round: number): number {
    for (const { etag, key, size } of objects) {
      this.#sql.exec(
        "INSERT INTO feed_objects VALUES (?, ?, ?, ?, ?)",
        this.#feed,
        key,
        etag,
        size,
        round,
      );
    }
    return objects.length;
  }

  /** The next objects of the round from the key `from` on. */
  read(round: number, from: string): InputObject[] {
    return this.#sql.exec<{ key: string; etag: string; size: number }>(
      `SELECT key, etag, size FROM feed_objects
       WHERE feed = ? AND key >= ? AND round = ? ORDER BY key LIMIT ?`,
      this.#feed,
      from,
      round,
      mostAtOnce,
    );
  }
}

/** The source that reads the object, whoever asks. */
export function sourceOfObject(key: string, sources: number): number {
  const bytes = new TextEncoder().encode(key);
  return hash32(bytes, 0, bytes.length) % sources;
}
