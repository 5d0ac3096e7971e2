/**
 * Committing output to external sinks [19, 36]: a to-do for each sink, written with the pointer, done in
 * order of checkpoint by one executor, again on every wake-up until it is recorded as done. At least
 * once, with a key by which the other side knows a repeat. What is not committed keeps its output, and
 * too much of it holds up the next checkpoint.
 */
import type { OutputSegment } from "../coordinator-queries.ts";
import { letGo } from "./changes.ts";
import type { Coordination } from "./coordination.ts";
import { makeDue, retryAfterMs } from "./due-list.ts";
import type { JobRecord } from "./job-record.ts";
import { outputOf } from "./output-index.ts";
import type { CoordinatorStore } from "./store.ts";

/** Where committed output goes besides the feed, for which the pointer itself is the commit. */
export interface ExternalSink {
  readonly name: string;
  /** Resolves once the other side has everything. A rejection has it called again, with the same key. */
  commit(commit: SinkCommit): Promise<void>;
}

export interface SinkCommit {
  readonly checkpoint: number;
  /** Job incarnation, checkpoint and sink: the same in every attempt, and in no other commit. */
  readonly key: string;
  /** Read as it is asked for. */
  readonly output: Iterable<OutputSegment>;
}

/** A sink that does not commit is asked again after a pause that doubles up to this. */
const longestPauseMs = 300_000;

/** In the transaction that completes a checkpoint with output. */
export function noteCommits(house: Coordination, record: JobRecord, now: number): void {
  for (const { name } of house.sinks) {
    house.store.write(
      "INSERT INTO uncommitted (checkpoint, sink) VALUES (?, ?)",
      record.pending!.id,
      name,
    );
    makeDue(record.due, "commit", now + retryAfterMs.commit);
  }
}

export async function commitToSinks(house: Coordination): Promise<void> {
  const { context, store } = house;
  for (const sink of house.sinks) {
    for (let next = oldest(store, sink.name); next !== undefined; next = oldest(store, sink.name)) {
      const checkpoint = next;
      context.crashPoint("coordinator: before commit to sink");
      const error = await attempt(house, sink, checkpoint);
      context.crashPoint("coordinator: after commit to sink");
      store.step("committed", () => {
        const query =
          error === undefined
            ? "DELETE FROM uncommitted WHERE checkpoint = ? AND sink = ?"
            : "UPDATE uncommitted SET error = ? WHERE checkpoint = ? AND sink = ?";
        store.write(query, ...(error === undefined ? [] : [error]), checkpoint, sink.name);
      });
      if (error !== undefined) break;
    }
  }
  store.step("commits", (record) => {
    // A sink that a deploy took out of the job leaves nothing behind that anybody could do.
    const names = JSON.stringify(house.sinks.map(({ name }) => name));
    store.write(
      "DELETE FROM uncommitted WHERE sink NOT IN (SELECT value FROM json_each(?))",
      names,
    );
    letGo(house, record);
    if (uncommittedCheckpoints(store) === 0) {
      delete record.due.commit;
      delete record.commitFailures;
      return;
    }
    const failures = (record.commitFailures ?? 0) + 1;
    record.commitFailures = failures;
    const pauseMs = Math.min(longestPauseMs, retryAfterMs.commit * 2 ** Math.min(10, failures - 1));
    record.due.commit = context.environment.now() + pauseMs;
  });
}

/** Completed checkpoints that not every sink has committed. */
export function uncommittedCheckpoints(store: CoordinatorStore): number {
  const [row] = store.read<{ count: number }>(
    "SELECT COUNT(DISTINCT checkpoint) AS count FROM uncommitted",
  );
  return row?.count ?? 0;
}

/** The error of the oldest commit that failed, if any. */
export function commitError(store: CoordinatorStore): string | undefined {
  const [row] = store.read<{ error: string }>(
    "SELECT error FROM uncommitted WHERE error IS NOT NULL ORDER BY checkpoint LIMIT 1",
  );
  return row?.error;
}

async function attempt(
  house: Coordination,
  sink: ExternalSink,
  checkpoint: number,
): Promise<string | undefined> {
  const key = `${house.store.record.incarnation}/${checkpoint}/${sink.name}`;
  try {
    await sink.commit({ checkpoint, key, output: outputOf(house, checkpoint) });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function oldest(store: CoordinatorStore, sink: string): number | undefined {
  const [row] = store.read<{ checkpoint: number | null }>(
    "SELECT MIN(checkpoint) AS checkpoint FROM uncommitted WHERE sink = ?",
    sink,
  );
  return row?.checkpoint ?? undefined;
}
