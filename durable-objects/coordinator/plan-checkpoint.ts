/**
 * Whether a checkpoint begins now, and which one [4, 22, 25, 26, 36]. Pure: facts in, plain data out.
 */
import type { CheckpointOptions } from "../../dataflow/job-options.ts";
import type { CheckpointMode, JobStatus, SourceReport } from "../messages.ts";

export interface CheckpointFacts {
  readonly now: number;
  readonly status: JobStatus;
  readonly hasPending: boolean;
  /** A source accepted lines that the last completed checkpoint does not hold, or a task reported a change. */
  readonly changed: boolean;
  /** Modes of the requests whose lines have all been cut; undefined: as configured. */
  readonly requested: readonly (CheckpointMode | undefined)[];
  /** A log is half full, or a task keeps losing its memory: the min pause does not hold it up [25]. */
  readonly isForced: boolean;
  readonly options: Pick<
    CheckpointOptions,
    "mode" | "timeoutMs" | "minPauseMs" | "cleanupLimit"
  > & { readonly uncommittedLimit: number };
  readonly nextCheckpoint: number;
  readonly completed: number;
  /** When the last completed checkpoint ended. */
  readonly completedAt: number;
  /** Old checkpoints whose objects are still being deleted. */
  readonly cleaning: number;
  /** Completed checkpoints that an external sink has not committed yet [36]. */
  readonly uncommitted: number;
}

export type CheckpointPlan =
  /** Nothing changed since the last completed checkpoint and nobody asked. */
  | { readonly kind: "skip" }
  /** One is pending, or the job does not run: decide again afterwards. */
  | { readonly kind: "wait" }
  /** In the min pause: decide again then. */
  | { readonly kind: "postpone"; readonly until: number }
  /** Too much is left to delete or to commit: decide again when there is less. */
  | { readonly kind: "holdUp" }
  | {
      readonly kind: "trigger";
      readonly id: number;
      readonly base: number;
      readonly mode: CheckpointMode;
      readonly deadline: number;
    };

export function planCheckpoint(facts: CheckpointFacts): CheckpointPlan {
  const { now, options, requested } = facts;
  if (facts.status !== "RUNNING" || facts.hasPending) return { kind: "wait" };
  if (!facts.changed && requested.length === 0) return { kind: "skip" };
  if (facts.cleaning > options.cleanupLimit || facts.uncommitted > options.uncommittedLimit) {
    return { kind: "holdUp" };
  }
  const notBefore = facts.completedAt + options.minPauseMs;
  if (now < notBefore && requested.length === 0 && !facts.isForced) {
    return { kind: "postpone", until: notBefore };
  }
  return {
    kind: "trigger",
    id: facts.nextCheckpoint,
    base: facts.completed,
    mode: requested.includes("full")
      ? "full"
      : (requested.find((mode) => mode !== undefined) ?? options.mode),
    deadline: now + options.timeoutMs,
  };
}

export interface ScheduleFacts {
  readonly now: number;
  readonly reason: "input" | "silent" | "halfFull";
  /** As intervalNow says. */
  readonly intervalMs: number;
  readonly minPauseMs: number;
  readonly lastTriggerAt: number;
  /** When the last completed checkpoint ended. */
  readonly completedAt: number;
}

/**
 * When the checkpoint that a source's report calls for is due; undefined: not at all. A log half full
 * is checkpointed whatever the interval [25]; input that fell silent at once, min pause permitting
 * [24]; other input at the next interval, counted from the last trigger or, after a pause, from now.
 */
export function checkpointDueAt(facts: ScheduleFacts): number | undefined {
  if (facts.reason === "halfFull") return facts.now;
  if (facts.intervalMs === 0) return undefined;
  const afterPause = Math.max(facts.now, facts.completedAt + facts.minPauseMs);
  if (facts.reason === "silent") return afterPause;
  const next = facts.lastTriggerAt + facts.intervalMs;
  return Math.max(afterPause, next > facts.now ? next : facts.now + facts.intervalMs);
}

/** A source this many lines behind its input works off a backlog (Flink's isProcessingBacklog). */
export const backlogLines = 100_000;

/** The interval that counts now: another one while any source works off a backlog. */
export function intervalNow(
  { intervalDuringBacklogMs, intervalMs }: CheckpointOptions,
  reports: readonly (SourceReport | undefined)[],
): number {
  const isBacklog = reports.some(
    (report) => report !== undefined && report.accepted - report.processed >= backlogLines,
  );
  return isBacklog && intervalMs > 0 ? (intervalDuringBacklogMs ?? intervalMs) : intervalMs;
}
