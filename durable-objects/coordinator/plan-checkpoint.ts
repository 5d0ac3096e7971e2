/**
 * Whether a checkpoint begins now, and which one [4, 22, 25, 26]. Pure: facts in, plain data out.
 */
import type { CheckpointMode, JobStatus } from "../messages.ts";

export interface CheckpointFacts {
  readonly now: number;
  readonly status: JobStatus;
  readonly hasPending: boolean;
  /** A source accepted lines that the last completed checkpoint does not hold. */
  readonly uncovered: boolean;
  /** Modes of the requests whose lines have all been cut; undefined: as configured. */
  readonly requested: readonly (CheckpointMode | undefined)[];
  readonly configuredMode: CheckpointMode;
  readonly nextCheckpoint: number;
  readonly completed: number;
  readonly timeoutMs: number;
}

export type CheckpointPlan =
  /** Nothing changed since the last completed checkpoint and nobody asked. */
  | { readonly kind: "skip" }
  /** One is pending, or the job does not run: decide again afterwards. */
  | { readonly kind: "wait" }
  | {
      readonly kind: "trigger";
      readonly id: number;
      readonly base: number;
      readonly mode: CheckpointMode;
      readonly deadline: number;
    };

export function planCheckpoint(facts: CheckpointFacts): CheckpointPlan {
  if (facts.status !== "RUNNING" || facts.hasPending) return { kind: "wait" };
  if (!facts.uncovered && facts.requested.length === 0) return { kind: "skip" };
  return {
    kind: "trigger",
    id: facts.nextCheckpoint,
    base: facts.completed,
    mode: facts.requested.includes("full")
      ? "full"
      : (facts.requested.find((mode) => mode !== undefined) ?? facts.configuredMode),
    deadline: facts.now + facts.timeoutMs,
  };
}

export interface ScheduleFacts {
  readonly now: number;
  readonly reason: "input" | "silent" | "halfFull";
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
