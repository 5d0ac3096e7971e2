/**
 * Giving the pending checkpoint up: durably first, then every task is told until it has answered
 * [22]. Its uploads stay registered: a task that lives on may list them again [10, 37].
 */
import { failureMessage, type CheckpointFailureReason } from "./checkpoint-failure.ts";
import type { Coordination } from "./coordination.ts";
import { makeDue, retryAfterMs } from "./due-list.ts";
import { addOperations, sourcesOf, tasksOf, type JobRecord } from "./job-record.ts";
import { endPending, scheduleNext } from "./end-pending.ts";
import { writeFailedCheckpoint } from "./history.ts";
import { namedObjects } from "./output-segments.ts";

export interface Abort {
  readonly reason: CheckpointFailureReason;
  readonly detail: string;
  /** Every task restores anew: the new generation tells them, and sees to what nobody can list again. */
  readonly tasksAreGone?: boolean;
}

/** Aborts in the caller's transaction. Whether the failure counts against the job is failure.ts. */
export function abortPending(house: Coordination, record: JobRecord, abort: Abort): void {
  const { context, job, registry, rows } = house;
  const { pending } = record;
  if (pending === undefined) return;
  const now = context.environment.now();
  const acknowledgements = rows.acknowledgements(pending.id);
  for (const { data } of acknowledgements) {
    registry.registerLost(namedObjects(data), pending.id, false);
    addOperations(record.operations, data.metrics.operations);
  }
  if (pending.manifest !== undefined) {
    registry.strayManifest(pending.manifest.path, now + retryAfterMs.stray);
    makeDue(record.due, "stray", now);
  }
  writeFailedCheckpoint(house, record, {
    acknowledgements,
    reason: abort.reason,
    message: failureMessage(abort.reason, abort.detail),
  });
  record.counts.failed++;
  endPending(house, record);
  scheduleNext(house, record, "aborted");
  if (abort.tasksAreGone === true) return;
  record.notices.aborted = {
    checkpoint: pending.id,
    sources: sourcesOf(record.shape),
    tasks: tasksOf(job, record.shape),
  };
  record.notices.rounds = 0;
  makeDue(record.due, "notify", now);
}
