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
  #inTransaction = false;
  /** Milliseconds since the epoch; undefined when none is set. */
  alarmTime: number | undefined;

  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): Row[] {
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

  /** Whether this table has been created. */
  hasTable(name: string): boolean {
    const query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
    return this.#prepare(query).get(name) !== undefined;
  }

  close(): void {
    this.#database.close();
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
