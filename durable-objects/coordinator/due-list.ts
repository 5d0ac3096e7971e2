/**
 * The several purposes of the coordinator's one alarm, and when each is due [27]. Pure: the job record
 * holds the list, the store keeps the alarm at its earliest entry, and an empty list means no alarm.
 */
import type { JobStatus } from "../messages.ts";

export type Purpose =
  /** Trigger the next checkpoint. */
  | "checkpoint"
  /** Repeat the trigger to the sources of the pending checkpoint. */
  | "repeat"
  /** Abort the pending checkpoint. */
  | "deadline"
  /** Publish the pending checkpoint: all acknowledgements are in. */
  | "finish"
  /** Tell tasks of a completion, an abort or a generation until they have answered. */
  | "notify"
  /** Delete dead objects. */
  | "sweep"
  /** Delete once more the manifests of checkpoints that were given up while being published [33]. */
  | "stray"
  /** Search the bucket for objects that nobody knows [10]. */
  | "scan"
  /** Commit output to external sinks [19]. */
  | "commit"
  /** Delete committed output that is over its retention. */
  | "output"
  /** The back-off of a restart ends. */
  | "restart"
  /** Find out whether requested checkpoints may be triggered. */
  | "requests";

export type DueList = Partial<Record<Purpose, number>>;

export interface DueFacts {
  readonly due: Readonly<DueList>;
  readonly status: JobStatus;
  readonly hasPending: boolean;
}

/** Milliseconds after which a purpose that was begun and never ended is tried again. */
export const retryAfterMs: Readonly<Record<Purpose, number>> = {
  checkpoint: 5_000,
  repeat: 2_000,
  deadline: 5_000,
  finish: 5_000,
  notify: 2_000,
  sweep: 30_000,
  stray: 600_000,
  scan: 3_600_000,
  commit: 10_000,
  output: 600_000,
  restart: 1_000,
  requests: 2_000,
};

/** What may run at all now: no checkpoint begins while one is pending or the job does not run. */
function isOpen(purpose: Purpose, facts: DueFacts): boolean {
  if (purpose === "checkpoint") return facts.status === "RUNNING" && !facts.hasPending;
  if (purpose === "requests") return facts.status === "RUNNING";
  return true;
}

/** When the alarm must ring; undefined when nothing is due. */
export function earliestDue(facts: DueFacts): number | undefined {
  const times = openEntries(facts).map(([, time]) => time);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The purposes due at `now`. */
export function purposesDue(facts: DueFacts, now: number): readonly Purpose[] {
  return openEntries(facts)
    .filter(([, time]) => time <= now)
    .map(([purpose]) => purpose);
}

function openEntries(facts: DueFacts): readonly (readonly [Purpose, number])[] {
  return (Object.entries(facts.due) as [Purpose, number][]).filter(([purpose]) =>
    isOpen(purpose, facts),
  );
}

/** Makes `purpose` due at `time` unless it already is earlier. */
export function makeDue(due: DueList, purpose: Purpose, time: number): void {
  due[purpose] = Math.min(due[purpose] ?? Infinity, time);
}
