/**
 * What both ends of a checkpoint have in common: nothing is pending any more, and the next one is
 * scheduled where lines or requests are left [25, 26]. In the caller's transaction.
 */
import type { Coordination } from "./coordination.ts";
import { makeDue } from "./due-list.ts";
import { currentInterval, hasChanges } from "./changes.ts";
import type { JobRecord } from "./job-record.ts";

/** An aborted checkpoint is tried again no sooner than this, whatever the interval. */
const retryPauseMs = 1_000;

export function endPending({ store }: Coordination, record: JobRecord): void {
  delete record.pending;
  for (const purpose of ["deadline", "repeat", "finish"] as const) delete record.due[purpose];
  store.write("DELETE FROM manifest_bytes");
}

export function scheduleNext(
  house: Coordination,
  record: JobRecord,
  end: "completed" | "aborted",
): void {
  const { context, job, store } = house;
  const now = context.environment.now();
  const { minPauseMs } = job.options.checkpoint;
  const intervalMs = currentInterval(house, record);
  const retryAt = now + (end === "aborted" ? Math.max(retryPauseMs, minPauseMs) : 0);
  const asked = store.read("SELECT id FROM request WHERE data ->> 'reached' = 1 LIMIT 1");
  if (asked.length > 0) makeDue(record.due, "checkpoint", retryAt);
  if (!hasChanges(house, record)) return;
  const next = record.lastTriggerAt + intervalMs;
  if (end === "aborted") makeDue(record.due, "checkpoint", Math.max(retryAt, next));
  else if (intervalMs > 0) makeDue(record.due, "checkpoint", Math.max(now + minPauseMs, next));
}
