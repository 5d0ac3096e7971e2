/**
 * The coordinator's SQLite: the job record and the step that changes it, in one transaction with the
 * alarm. Nothing is cached: a memory that vanishes at any await loses nothing.
 *
 * Promise: after every step the alarm stands at the earliest purpose due, and none is set when
 * nothing is due [26, 27].
 */
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { ObjectContext, SqlValue } from "../object-context.ts";
import { earliestDue } from "./due-list.ts";
import { newJobRecord, type JobRecord } from "./job-record.ts";
import { createSchema } from "./schema.ts";

type Row = Record<string, SqlValue>;

export class CoordinatorStore {
  readonly #context: ObjectContext;
  readonly #job: JobGraph;
  /** Counted since the record was last written, and written with it. */
  #rowsWritten = 0;
  #requests = 0;

  constructor(context: ObjectContext, job: JobGraph) {
    this.#context = context;
    this.#job = job;
    createSchema(context.sql);
    this.step("create", () => undefined);
  }

  /** The record as it is now: a copy. Do not keep it over an await. */
  get record(): JobRecord {
    const [row] = this.read<{ record: string }>("SELECT record FROM job");
    if (row === undefined) throw new Error("The coordinator's job record is missing.");
    return JSON.parse(row.record) as JobRecord;
  }

  read<Result extends Row>(query: string, ...bindings: SqlValue[]): Result[] {
    return this.#context.sql.exec<Result>(query, ...bindings);
  }

  /** Runs a statement that writes; only inside a step. Answers how many rows it wrote. */
  write(query: string, ...bindings: SqlValue[]): number {
    this.#context.sql.exec(query, ...bindings);
    const [row] = this.read<{ rows: number }>("SELECT changes() AS rows");
    const rows = row?.rows ?? 0;
    this.#rowsWritten += rows;
    return rows;
  }

  /** The same for a statement that also changes one row of an index for each row: both are billed. */
  writeIndexed(query: string, ...bindings: SqlValue[]): void {
    this.#rowsWritten += this.write(query, ...bindings);
  }

  countRequest(): void {
    this.#requests++;
  }

  /** One durable step: `body` may change the record and write rows; a throw takes everything back. */
  step<Result>(name: string, body: (record: JobRecord) => Result): Result {
    this.#context.crashPoint(`coordinator: before ${name}`);
    const result = this.#context.sql.transaction(() => {
      const [row] = this.read<{ record: string }>("SELECT record FROM job");
      const record = row === undefined ? this.#create() : (JSON.parse(row.record) as JobRecord);
      const answer = body(record);
      if (JSON.stringify(record) !== row?.record) this.#save(record);
      this.#setAlarm(record);
      return answer;
    });
    this.#context.crashPoint(`coordinator: after ${name}`);
    return result;
  }

  #create(): JobRecord {
    const { environment, codeVersion } = this.#context;
    return newJobRecord({
      job: this.#job,
      incarnation: environment.newId(),
      now: environment.now(),
      codeVersion,
    });
  }

  #save(record: JobRecord): void {
    record.operations.rowsWritten += this.#rowsWritten + 1;
    record.operations.requests += this.#requests;
    this.#rowsWritten = 0;
    this.#requests = 0;
    this.#context.sql.exec(
      "INSERT OR REPLACE INTO job (only_row, record) VALUES (1, ?)",
      JSON.stringify(record),
    );
  }

  #setAlarm(record: JobRecord): void {
    const { alarm } = this.#context;
    const wanted = earliestDue({ ...record, hasPending: record.pending !== undefined });
    if (wanted === alarm.get()) return;
    this.#rowsWritten++;
    if (wanted === undefined) alarm.clear();
    else alarm.set(wanted);
  }
}
