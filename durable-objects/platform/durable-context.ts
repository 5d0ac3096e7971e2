/**
 * ObjectContext over the state of a Durable Object: the only place where the logic meets the platform.
 *
 * Promise: as object-context.ts says. The alarm's time is kept here, because the platform answers it
 * only asynchronously; a transaction that rolls back takes it back too, as the platform does.
 */
import type { Alarm, ObjectContext, Sql, SqlValue, Timer } from "../object-context.ts";
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { WeirBindings } from "./bindings.ts";
import { jobBucket } from "./bound-bucket.ts";
import { createPeers } from "./peers.ts";
import { R2BlobStore } from "./r2-blob-store.ts";
import { workerEnvironment } from "./worker-environment.ts";

export interface DurableContextOptions {
  readonly state: DurableObjectState;
  readonly bindings: WeirBindings;
  readonly job: JobGraph;
  readonly alarm: DurableAlarm;
}

/** Throws MissingJobBucket. */
export function createDurableContext(options: DurableContextOptions): ObjectContext {
  const { state, bindings, job, alarm } = options;
  const reportError = (error: unknown, doing: string) =>
    // oxlint-disable-next-line no-console
    console.error(`${state.id.name}: an error while ${doing}.`, error);
  return {
    sql: new DurableSql(state.storage, alarm),
    alarm,
    environment: workerEnvironment,
    blobStore: new R2BlobStore(jobBucket(job, bindings)),
    peers: createPeers(bindings, job.name),
    codeVersion: codeVersionOf(bindings),
    setTimer: startTimer,
    keepAlive: (work) => state.waitUntil(work),
    reportError,
    crashPoint: () => {},
  };
}

/** The alarm with its time in memory. */
export class DurableAlarm implements Alarm {
  readonly #storage: DurableObjectStorage;
  #time: number | undefined;

  /** `time` is what the storage answered when the object woke up. */
  constructor(storage: DurableObjectStorage, time: number | null) {
    this.#storage = storage;
    this.#time = time ?? undefined;
  }

  get(): number | undefined {
    return this.#time;
  }

  set(time: number): void {
    this.#time = time;
    // A failed write resets the object through its output gate: nobody has to wait for this one.
    void this.#storage.setAlarm(time);
  }

  clear(): void {
    this.#time = undefined;
    void this.#storage.deleteAlarm();
  }

  /** The platform is running the alarm, or undid a transaction: its time is `time` now. */
  changed(time: number | undefined): void {
    this.#time = time;
  }
}

class DurableSql implements Sql {
  readonly #storage: DurableObjectStorage;
  readonly #alarm: DurableAlarm;

  constructor(storage: DurableObjectStorage, alarm: DurableAlarm) {
    this.#storage = storage;
    this.#alarm = alarm;
  }

  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): Row[] {
    const rows = this.#storage.sql
      .exec<Record<string, SqlStorageValue>>(query, ...bindings)
      .toArray();
    for (const row of rows as Record<string, unknown>[]) {
      for (const column in row) {
        const value = row[column];
        if (value instanceof ArrayBuffer) row[column] = new Uint8Array(value);
      }
    }
    return rows as unknown as Row[];
  }

  transaction<Result>(body: () => Result): Result {
    const alarmTime = this.#alarm.get();
    try {
      return this.#storage.transactionSync(body);
    } catch (error) {
      this.#alarm.changed(alarmTime);
      throw error;
    }
  }
}

function startTimer(delayMs: number, callback: () => void): Timer {
  const timer = setTimeout(callback, delayMs);
  return { cancel: () => clearTimeout(timer) };
}

function codeVersionOf(bindings: WeirBindings): string {
  const version = bindings.WEIR_CODE_VERSION ?? bindings.VERSION?.id;
  if (version !== undefined && version !== "") return version;
  throw new Error(
    `This Worker does not know its version: add the binding [version_metadata] binding = "VERSION" to wrangler.toml.`,
  );
}
