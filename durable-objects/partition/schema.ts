/**
 * What a partition keeps in SQLite: a note of each object it is about to write, so that whatever a
 * crash leaves behind is known without listing the bucket [10]. Nothing of the path of a record is here.
 *
 * Promise: a note is durable before its PUT starts, and stays until the coordinator owns the object or
 * the object is gone.
 */
import type { ObjectContext } from "../object-context.ts";

export class UploadNotes {
  readonly #context: ObjectContext;
  #rowsWritten = 0;

  constructor(context: ObjectContext) {
    this.#context = context;
    context.sql.exec(
      "CREATE TABLE IF NOT EXISTS upload (path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    );
  }

  /** Rows written since the last call, for the bill. */
  takeRowsWritten(): number {
    const rows = this.#rowsWritten;
    this.#rowsWritten = 0;
    return rows;
  }

  list(): readonly string[] {
    return this.#context.sql
      .exec<{ path: string }>("SELECT path FROM upload ORDER BY path")
      .map((row) => row.path);
  }

  /** To be called before the object is written. */
  note(path: string): void {
    this.#context.crashPoint("partition: before an upload is noted");
    this.#context.sql.exec("INSERT INTO upload (path) VALUES (?)", path);
    this.#rowsWritten += 1;
    this.#context.crashPoint("partition: after an upload is noted");
  }

  /** The coordinator owns these objects, or they are gone. */
  forget(paths: readonly string[]): void {
    if (paths.length === 0) return;
    this.#context.crashPoint("partition: before uploads are forgotten");
    this.#context.sql.transaction(() => {
      for (const path of paths) {
        this.#context.sql.exec("DELETE FROM upload WHERE path = ?", path);
        this.#rowsWritten += 1;
      }
    });
    this.#context.crashPoint("partition: after uploads are forgotten");
  }
}
