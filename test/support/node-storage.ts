/**
 * The durable half of a Durable Object in Node: a SQLite database in memory and one alarm. It is what
 * survives when an object loses its memory; hand the same storage to the next context.
 *
 * A transaction that throws takes back its rows and its alarm, as on the platform.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Sql, SqlValue } from "../../durable-objects/object-context.ts";

export class NodeStorage implements Sql {
  readonly #database = new DatabaseSync(":memory:");
  readonly #statements = new Map<string, StatementSync>();
  readonly #tables = new Set<string>();
  readonly #created = new Set<string>();
  #writes = 0;
  #inTransaction = false;
  /** Milliseconds since the epoch; undefined when none is set. */
  alarmTime: number | undefined;

  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): Row[] {
    if (this.#isDone(query)) return [];
    if (!query.startsWith("SELECT")) this.#writes++;
    const rows = this.#prepare(query).all(...bindings);
    return rows.map((row) => ({ ...row }) as Row);
  }

  transaction<Result>(body: () => Result): Result {
    if (this.#inTransaction) {
      throw new Error("A transaction was begun inside a transaction: they do not nest.");
    }
    const alarmBefore = this.alarmTime;
    this.#inTransaction = true;
    this.#database.exec("BEGIN");
    try {
      const result = body();
      if (result instanceof Promise) {
        throw new Error("The body of a transaction answered a promise: it must be synchronous.");
      }
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      this.#database.exec("ROLLBACK");
      this.alarmTime = alarmBefore;
      throw error;
    } finally {
      this.#inTransaction = false;
    }
  }

  /** Rows ever inserted, changed or deleted. The platform also bills index rows; this does not count them. */
  get rowsWritten(): number {
    return Number(this.#prepare("SELECT total_changes() AS changes").get()!["changes"]);
  }

  /** Statements run that may have changed rows: as long as it stays the same, so do the rows. */
  get writes(): number {
    return this.#writes;
  }

  /** Whether this table has been created. Ask it of tables that stay once they are there. */
  hasTable(name: string): boolean {
    if (this.#tables.has(name)) return true;
    const query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
    const exists = this.#prepare(query).get(name) !== undefined;
    if (exists && !this.#inTransaction) this.#tables.add(name);
    return exists;
  }

  close(): void {
    this.#database.close();
  }

  /** Every lifetime of an object creates its tables anew, if they are not there: they are. */
  #isDone(query: string): boolean {
    if (!/^CREATE (TABLE|INDEX) IF NOT EXISTS/.test(query)) {
      if (query.startsWith("DROP") || query.startsWith("ALTER")) this.#created.clear();
      return false;
    }
    if (this.#created.has(query)) return true;
    // A transaction may take it back.
    if (!this.#inTransaction) this.#created.add(query);
    return false;
  }

  #prepare(query: string): StatementSync {
    const known = this.#statements.get(query);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(query);
    const rest = query.slice(query.indexOf(statement.sourceSQL) + statement.sourceSQL.length);
    if (rest.trim() !== "") {
      throw new Error(
        `sql.exec runs one statement; give the next one its own call: ${rest.trim()}`,
      );
    }
    this.#statements.set(query, statement);
    return statement;
  }
}
