/**
 * Whether there is anything a checkpoint would hold that the latest completed one does not [26], and
 * the interval that counts at the moment.
 */
import type { TaskChange } from "../messages.ts";
import type { Coordination } from "./coordination.ts";
import { makeDue } from "./due-list.ts";
import { sourcesOf, type JobRecord } from "./job-record.ts";
import { checkpointDueAt, intervalNow } from "./plan-checkpoint.ts";
import { uncoveredSources } from "./progress.ts";

export function hasChanges({ rows }: Coordination, record: JobRecord): boolean {
  const { changes } = record;
  if (changes !== undefined && changes.reported > changes.covered) return true;
  return uncoveredSources(rows.sources(sourcesOf(record.shape))).length > 0;
}

/**
 * What frames in flight in the checkpoint that counts from now on make of the state, and of output, is for
 * another one to hold [26]. `covered`: the changes it does hold.
 */
export function noteInFlight(record: JobRecord, covered: number): void {
  const reported = (record.changes?.reported ?? 0) + 1;
  record.changes = { covered, reported };
}

export function currentInterval({ job, rows }: Coordination, { shape }: JobRecord): number {
  const reports = rows.sources(sourcesOf(shape)).map(({ report }) => report);
  return intervalNow(job.options.checkpoint, reports);
}

/** When what was just reported calls for a checkpoint, it becomes due. */
export function scheduleChange(
  house: Coordination,
  record: JobRecord,
  reason: "input" | "silent" | "halfFull" | "urgent",
): void {
  const { context, job } = house;
  const { completedAt, lastTriggerAt } = record;
  const at = checkpointDueAt({
    now: context.environment.now(),
    reason: reason === "urgent" ? "halfFull" : reason,
    intervalMs: currentInterval(house, record),
    minPauseMs: job.options.checkpoint.minPauseMs,
    lastTriggerAt,
    completedAt,
  });
  if (reason === "halfFull" || reason === "urgent") record.isForced = true;
  if (at !== undefined) makeDue(record.due, "checkpoint", at);
}

/**
 * A task changed without input: a processing-time timer fired [26]. Of whichever attempt of the generation: one
 * that a late repeat of its attach has replaced hears of it by the checkpoint's barrier or acknowledgement
 * alone, and goes back to where these timers are overdue.
 */
export function taskChanged(house: Coordination, change: TaskChange): void {
  const { generation, isUrgent } = change;
  house.store.step("task changed", (record) => {
    if (generation !== record.generation) return;
    const { covered, reported } = record.changes ?? { covered: 0, reported: 0 };
    record.changes = { covered, reported: reported + 1 };
    scheduleChange(house, record, isUrgent === true ? "urgent" : "input");
  });
}

/** Deletions or commits have come on: a checkpoint that waited for them is decided on again. */
export function letGo({ context }: Coordination, record: JobRecord): void {
  if (record.isHeldUp === true) makeDue(record.due, "checkpoint", context.environment.now());
}
