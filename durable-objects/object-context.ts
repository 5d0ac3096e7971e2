/**
 * What a Durable Object gives to its logic. The logic classes (source/, partition/, coordinator/)
 * see the platform only through this, so that the same code runs in workerd and, under a seeded
 * scheduler with a fake clock, in Node.
 */
import type { Environment } from "../state-engine/environment.ts";
import type { BlobStore } from "../state-engine/blob-store/blob-store.ts";
import type { CoordinatorCalls, PartitionCalls, SourceCalls, TaskId } from "./messages.ts";

export interface ObjectContext {
  /** Private durable storage. Nothing this object says to anyone leaves before it is durable. */
  readonly sql: Sql;
  readonly alarm: Alarm;
  readonly environment: Environment;
  readonly blobStore: BlobStore;
  readonly peers: Peers;
  /** Identifies the deployed code: two tasks with different values may compute different things. */
  readonly codeVersion: string;
  /** Runs `callback` once after `delayMs`; lost with the object's memory. While a timer is set the object is not evicted as idle. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Keeps the object in memory until the promise settles. It must not reject. */
  keepAlive(work: Promise<void>): void;
  /** Reports an error that has no caller to go to: it is logged, and tests can fail on it. */
  reportError(error: unknown, doing: string): void;
  /**
   * Crash points of the test suite. Called with the step's name before and after each durable step;
   * does nothing in production, may throw away this object's memory in a simulation.
   */
  crashPoint(name: string): void;
}

export interface Timer {
  cancel(): void;
}

export interface Sql {
  /** Runs one statement and answers its rows. Synchronous. BLOB columns are Uint8Array. */
  exec<Row extends Record<string, SqlValue>>(query: string, ...bindings: SqlValue[]): Row[];
  /** Runs `body` in one transaction; a throw rolls everything back. Not nested. Synchronous. */
  transaction<Result>(body: () => Result): Result;
}

export type SqlValue = string | number | null | Uint8Array;

/** The one alarm of a Durable Object. It survives crashes, runs at least once, and is gone after 6 failing runs. */
export interface Alarm {
  /** Milliseconds since the epoch, or undefined when none is set. Undefined inside a running alarm until set again. */
  get(): number | undefined;
  /** Costs one row written. */
  set(time: number): void;
  clear(): void;
}

/** The other objects of the same job. Each call may fail, be lost, or take effect without an answer. */
export interface Peers {
  source(index: number): SourceCalls;
  partition(task: TaskId): PartitionCalls;
  coordinator(): CoordinatorCalls;
}
