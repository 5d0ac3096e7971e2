/**
 * Does the to-dos of commits.ts: for each sink one after the other in order of checkpoint, the sinks
 * beside each other, so that one that is down delays none of the others [19c].
 *
 * Promise: never two attempts of one sink at a time; a failure is durable with the time of the next
 * attempt before anything else happens; while anything is due the due-list has "commit" [27].
 */
import type { JsonObject } from "../coordinator-queries.ts";
import { letGo } from "./changes.ts";
import {
  CommitRefusal,
  uncommittedCheckpoints,
  type ExternalSink,
  type SinkCommit,
} from "./commits.ts";
import type { Coordination } from "./coordination.ts";
import { retryAfterMs } from "./due-list.ts";
import { endIfFinishing } from "./end-of-input.ts";
import { recordException } from "./failure.ts";
import { addSinkOperations } from "./history.ts";
import { isUnavailable } from "./is-unavailable.ts";
import {
  addOperations,
  noOperations,
  type JobRecord,
  type MutableOperationCounts,
} from "./job-record.ts";
import { committedAt, outputOf } from "./output-index.ts";

/** A sink that does not commit is asked again after this, and twice as long after each further failure without progress. */
const shortestPauseMs = 1_000;
const longestPauseMs = 300_000;
/** What the other side may ask for. */
const longestRefusalMs = 3_600_000;
const longestError = 2_000;

interface Commit {
  readonly checkpoint: number;
  readonly layout: JsonObject;
  readonly state: JsonObject | undefined;
}

/** One call of a sink. */
interface Attempt {
  /** Something was kept: the next pause is short again. */
  hasProgress: boolean;
  readonly operations: MutableOperationCounts;
}

export class CommitExecutor {
  readonly #house: Coordination;
  readonly #busy = new Set<string>();

  constructor(house: Coordination) {
    this.#house = house;
  }

  /** Begins what is due, in the background. */
  run(): void {
    const { context, sinks, store } = this.#house;
    for (const sink of sinks) {
      if (this.#busy.has(sink.name) || this.#next(sink.name) === undefined) continue;
      this.#busy.add(sink.name);
      context.keepAlive(this.#deliver(sink));
    }
    store.step("commits", (record) => this.#schedule(record));
  }

  /** Everything that is due for one sink. Never rejects. */
  async #deliver(sink: ExternalSink): Promise<void> {
    try {
      for (;;) {
        const commit = this.#next(sink.name);
        if (commit === undefined) return;
        await this.#attempt(sink, commit);
      }
    } catch (error) {
      const doing = `committing to sink "${sink.name}"`;
      if (!isUnavailable(error)) this.#house.context.reportError(error, doing);
    } finally {
      this.#busy.delete(sink.name);
    }
  }

  async #attempt(sink: ExternalSink, commit: Commit): Promise<void> {
    const { context, store } = this.#house;
    const attempt = { hasProgress: false, operations: { ...noOperations } };
    context.crashPoint("coordinator: before commit to sink");
    let failure: unknown;
    try {
      await sink.commit(this.#commitFor(sink, commit, attempt));
    } catch (error) {
      failure = error ?? new Error("The sink failed without saying why.");
    }
    context.crashPoint("coordinator: after commit to sink");
    store.step("committed", (record) => {
      addOperations(record.operations, attempt.operations);
      addSinkOperations(this.#house, commit.checkpoint, attempt.operations);
      if (failure === undefined) this.#noteDone(sink, commit.checkpoint);
      else this.#noteFailure(sink, record, { ...attempt, failure });
      letGo(this.#house, record);
      this.#schedule(record);
    });
  }

  #commitFor(
    { name }: ExternalSink,
    { checkpoint, layout, state }: Commit,
    attempt: Attempt,
  ): SinkCommit {
    const { job, store } = this.#house;
    const { incarnation } = store.record;
    return {
      job: job.name,
      incarnation,
      checkpoint,
      key: `${incarnation}-${checkpoint}-${name}`,
      committedAt: committedAt(this.#house, checkpoint),
      layout,
      output: outputOf(this.#house, checkpoint),
      state,
      keep: (kept) => {
        this.#keep(name, kept);
        attempt.hasProgress = true;
      },
      count: (more) => addOperations(attempt.operations, { ...noOperations, ...more }),
    };
  }

  #keep(name: string, state: JsonObject): void {
    this.#house.store.step("keep sink state", () =>
      this.#house.store.write(
        `INSERT INTO sink_state (sink, state) VALUES (?, ?)
         ON CONFLICT (sink) DO UPDATE SET state = excluded.state`,
        name,
        JSON.stringify(state),
      ),
    );
  }

  #noteDone({ name }: ExternalSink, checkpoint: number): void {
    const { store } = this.#house;
    store.write("DELETE FROM sink_commit WHERE sink = ? AND checkpoint = ?", name, checkpoint);
    store.write(
      "UPDATE sink_state SET failures = 0, next_attempt_at = NULL, error = NULL WHERE sink = ? AND failures > 0",
      name,
    );
  }

  /** The first failure in a row also stands among the job's exceptions. */
  #noteFailure(
    { name }: ExternalSink,
    record: JobRecord,
    { failure, hasProgress }: Attempt & { readonly failure: unknown },
  ): void {
    const { context, store } = this.#house;
    const error = failure instanceof Error ? failure : new Error(String(failure));
    const [row] = store.read<{ failures: number }>(
      "SELECT failures FROM sink_state WHERE sink = ?",
      name,
    );
    const failuresBefore = row?.failures ?? 0;
    const failures = hasProgress ? 1 : failuresBefore + 1;
    const askedMs = error instanceof CommitRefusal ? error.retryAfterMs : 0;
    const pauseMs = Math.min(longestPauseMs, shortestPauseMs * 2 ** Math.min(20, failures - 1));
    store.write(
      `INSERT INTO sink_state (sink, failures, next_attempt_at, error) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT (sink) DO UPDATE SET failures = ?2, next_attempt_at = ?3, error = ?4`,
      name,
      failures,
      context.environment.now() + Math.max(pauseMs, Math.min(longestRefusalMs, askedMs)),
      error.message.slice(0, longestError),
    );
    if (failuresBefore > 0) return;
    const { message, stack } = error;
    recordException(this.#house, record, {
      error: {
        name: "SinkException",
        message: `Sink "${name}" did not commit: ${message}`,
        ...(stack !== undefined && { stack }),
      },
    });
  }

  /** The oldest commit of a sink, unless its next attempt is to come. */
  #next(name: string): Commit | undefined {
    const { context, store } = this.#house;
    const [row] = store.read<{ checkpoint: number; layout: string; state: string | null }>(
      `SELECT checkpoint, layout, state FROM sink_commit LEFT JOIN sink_state USING (sink)
       WHERE sink = ? AND parked = 0 AND COALESCE(next_attempt_at, 0) <= ?
       ORDER BY checkpoint LIMIT 1`,
      name,
      context.environment.now(),
    );
    if (row === undefined) return undefined;
    return {
      checkpoint: row.checkpoint,
      layout: JSON.parse(row.layout) as JsonObject,
      state: row.state === null ? undefined : (JSON.parse(row.state) as JsonObject),
    };
  }

  /** "commit" is due at the next attempt of a sink, or soon again while one is at work. */
  #schedule(record: JobRecord): void {
    const { context, store } = this.#house;
    if (uncommittedCheckpoints(store) === 0) {
      delete record.due.commit;
      return endIfFinishing(this.#house, record);
    }
    const now = context.environment.now();
    const sinks = store.read<{ next_attempt_at: number | null }>(
      `SELECT DISTINCT sink, next_attempt_at FROM sink_commit LEFT JOIN sink_state USING (sink)
       WHERE parked = 0`,
    );
    const times = sinks.map(({ next_attempt_at: next }) =>
      next !== null && next > now ? next : now + retryAfterMs.commit,
    );
    record.due.commit = Math.min(...times);
  }
}
