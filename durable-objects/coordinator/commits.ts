/**
 * Committing output to external sinks [19, 36]: a to-do for each sink, written with the pointer, done in
 * order of checkpoint by one executor, again on every wake-up until it is recorded as done. At least
 * once, with a key by which the other side knows a repeat. What is not committed keeps its output, and
 * too much of it holds up the next checkpoint.
 *
 * A sink that a deploy takes out of the job has its to-dos parked: they hold up nothing, are done when
 * the name comes back while their output is still retained, and end with it.
 */
import { sinkDefinitions } from "../../dataflow/consumers.ts";
import type { JsonObject, OutputSegment } from "../coordinator-queries.ts";
import type { OperationCounts } from "../messages.ts";
import type { Coordination } from "./coordination.ts";
import { makeDue, retryAfterMs } from "./due-list.ts";
import { recordException } from "./failure.ts";
import type { JobRecord } from "./job-record.ts";
import type { CoordinatorStore } from "./store.ts";

/** Where committed output goes besides the feed, for which the pointer itself is the commit. */
export interface ExternalSink {
  readonly name: string;
  /** How results are cut into files or requests; each commit keeps the one it was noted with. */
  readonly layout: JsonObject;
  /**
   * Resolves once the other side has everything. A rejection has it called again, with the same key and
   * layout: after `retryAfterMs` of a CommitRefusal, or a pause that doubles.
   */
  commit(commit: SinkCommit): Promise<void>;
}

export interface SinkCommit {
  readonly job: string;
  readonly incarnation: string;
  readonly checkpoint: number;
  /** Job incarnation, checkpoint and sink: the same in every attempt, and in no other commit. */
  readonly key: string;
  /** When the checkpoint was completed. */
  readonly committedAt: number;
  readonly layout: JsonObject;
  /** Read as it is asked for. */
  readonly output: Iterable<OutputSegment>;
  /** What the sink kept last, in this commit or an earlier one. */
  readonly state: JsonObject | undefined;
  /** Durable once it returns: whatever the sink has to know after a crash. One row written. */
  keep(state: JsonObject): void;
  /** Counts billed operations. */
  count(operations: Partial<OperationCounts>): void;
}

/** The other side said when to come back. */
export class CommitRefusal extends Error {
  override readonly name = "CommitRefusal";
  readonly retryAfterMs: number;

  constructor(message: string, retryAfter: { readonly retryAfterMs: number }) {
    super(message);
    this.retryAfterMs = retryAfter.retryAfterMs;
  }
}

/** In the transaction that completes a checkpoint with output. */
export function noteCommits(house: Coordination, record: JobRecord, now: number): void {
  for (const { layout, name } of house.sinks) {
    house.store.write(
      "INSERT INTO sink_commit (sink, checkpoint, layout) VALUES (?, ?, ?)",
      name,
      record.pending!.id,
      JSON.stringify(layout),
    );
    makeDue(record.due, "commit", now + retryAfterMs.commit);
  }
}

/** Done once in each memory, because which sinks there are is part of the job's code. */
export function parkCommits(house: Coordination, record: JobRecord): void {
  const { context, sinks, store } = house;
  const names = JSON.stringify(sinks.map(({ name }) => name));
  const present = "sink IN (SELECT value FROM json_each(?))";
  const parked = store.write(
    `UPDATE sink_commit SET parked = 1 WHERE parked = 0 AND NOT ${present}`,
    names,
  );
  const back = store.write(
    `UPDATE sink_commit SET parked = 0 WHERE parked = 1 AND ${present}`,
    names,
  );
  if (parked > 0) {
    recordException(house, record, {
      error: {
        name: "SinkRemoved",
        message:
          `The job no longer has a sink that still had ${parked} checkpoints to commit: their results stay in ` +
          `the feed, and a sink of the same name delivers them when it is deployed while they are retained.`,
      },
    });
  }
  if (uncommittedCheckpoints(store) === 0) {
    if (record.isFinishing !== true) delete record.due.commit;
    return;
  }
  // A deploy may be what mends a sink: nobody waits for the end of its pause.
  const isDeploy = record.commitVersion !== context.codeVersion;
  if (isDeploy) store.write("UPDATE sink_state SET next_attempt_at = NULL");
  record.commitVersion = context.codeVersion;
  if (back > 0 || isDeploy) makeDue(record.due, "commit", context.environment.now());
}

/** Completed checkpoints that not every sink of the job has committed. */
export function uncommittedCheckpoints(store: CoordinatorStore): number {
  const [row] = store.read<{ count: number }>(
    "SELECT COUNT(DISTINCT checkpoint) AS count FROM sink_commit WHERE parked = 0",
  );
  return row?.count ?? 0;
}

/** The oldest checkpoint whose output a sink of the job still needs. */
export function oldestUncommitted(store: CoordinatorStore): number | undefined {
  const [row] = store.read<{ checkpoint: number | null }>(
    "SELECT MIN(checkpoint) AS checkpoint FROM sink_commit WHERE parked = 0",
  );
  return row?.checkpoint ?? undefined;
}

/** Output through `checkpoint` is gone: so is what removed sinks would have made of it. */
export function forgetParked(store: CoordinatorStore, checkpoint: number): void {
  store.write("DELETE FROM sink_commit WHERE parked = 1 AND checkpoint <= ?", checkpoint);
}

/** The `sinks` of `GET /jobs/{job}`. */
export function describeSinks({ job, sinks, store }: Coordination): JsonObject {
  const rows = store.read<{
    sink: string;
    commits: number;
    failures: number | null;
    next_attempt_at: number | null;
    error: string | null;
  }>(
    `SELECT sink, COUNT(*) AS commits, failures, next_attempt_at, error
     FROM sink_commit LEFT JOIN sink_state USING (sink) WHERE parked = 0 GROUP BY sink`,
  );
  const bySink = new Map(rows.map((row) => [row.sink, row]));
  const definitions = new Map(sinkDefinitions(job).map((one) => [one.name, one]));
  const each = sinks.map(({ name }) => {
    const row = bySink.get(name);
    const definition = definitions.get(name);
    return {
      name,
      kind: definition?.kind ?? null,
      // As the job was written: secrets by name.
      target: (definition?.target as JsonObject | undefined) ?? null,
      uncommittedCheckpoints: row?.commits ?? 0,
      lastError: row?.error ?? null,
      failures: row?.failures ?? 0,
      nextAttemptAt: row?.next_attempt_at ?? null,
    };
  });
  return {
    uncommittedCheckpoints: uncommittedCheckpoints(store),
    lastError: each.find(({ lastError }) => lastError !== null)?.lastError ?? null,
    each,
  };
}
