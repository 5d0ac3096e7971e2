/**
 * What a source must not forget besides its log and its producers: one row of JSON. Read once when
 * the object wakes, written whenever it changes.
 */
import type { AttachSourceAnswer, CheckpointMode, JobStatus } from "../messages.ts";
import type { Sql } from "../object-context.ts";
import type { LogEnd } from "./log.ts";

/** A checkpoint whose barriers are on their way: its offset is fixed for all channels [2]. */
export interface PendingCheckpoint {
  readonly generation: number;
  readonly checkpoint: number;
  readonly base: number;
  readonly offset: number;
  readonly mode: CheckpointMode;
  /** As in Barrier. */
  readonly alignmentTimeoutMs?: number;
  /** State of the watermark generators at `offset`; null for a job without any [13]. */
  readonly watermark: string | null;
  /** Its barriers carry the final watermark. */
  readonly endsTime?: boolean;
}

export interface Standing {
  /** 0 before the first attach. */
  readonly generation: number;
  readonly status: JobStatus;
  /** The latest completed checkpoint, and the line up to which it covers the log. */
  readonly completed: number;
  readonly covered: number;
  readonly intervalMs: number;
  readonly pending: PendingCheckpoint | null;
  /** Where the log goes on when it holds no segment. */
  readonly emptyEnd: LogEnd;
  /** What the coordinator was told last of whether the input has ended. */
  readonly toldEnd?: boolean;
}

const initialStanding: Standing = {
  generation: 0,
  status: "RUNNING",
  completed: 0,
  covered: 0,
  intervalMs: 1,
  pending: null,
  emptyEnd: { line: 0, byte: 0, arrivalTime: 0 },
};

export function readStanding(sql: Sql): Standing {
  const [row] = sql.exec<{ json: string }>("SELECT json FROM standing WHERE id = 0");
  return row === undefined ? initialStanding : (JSON.parse(row.json) as Standing);
}

/** Writes one row. */
export function writeStanding(sql: Sql, standing: Standing): void {
  sql.exec("INSERT OR REPLACE INTO standing VALUES (0, ?)", JSON.stringify(standing));
}

/** `standing` after checkpoint `completed` with this source at `offset`. Older news changes nothing. */
export function withCompleted(standing: Standing, completed: number, offset: number): Standing {
  if (completed <= standing.completed) return standing;
  const { pending } = standing;
  return {
    ...standing,
    completed,
    covered: Math.max(standing.covered, offset),
    pending: pending !== null && pending.checkpoint <= completed ? null : pending,
  };
}

/** `standing` once `pending` has begun. A base that was pending here has completed, whether or not the notification arrived. */
export function withPending(standing: Standing, pending: PendingCheckpoint): Standing {
  const before = standing.pending;
  const known =
    before !== null && pending.base === before.checkpoint
      ? withCompleted(standing, pending.base, before.offset)
      : standing;
  return { ...known, pending };
}

/** `standing` in the generation the coordinator gave; what was pending goes on only within the same one. */
export function withAttached(
  standing: Standing,
  {
    generation,
    status,
    completed,
    restored,
    intervalMs,
  }: Extract<AttachSourceAnswer, { kind: "attached" }>,
): Standing {
  const { pending } = standing;
  const isSame = generation === standing.generation;
  const isPending = isSame && pending !== null && pending.checkpoint > completed;
  return {
    ...standing,
    generation,
    status,
    completed,
    covered: restored.offset,
    intervalMs,
    pending: isPending ? pending : null,
  };
}

/** Whether lines are accepted and, sooner or later, processed. */
export function isLive(status: JobStatus): boolean {
  return status === "RUNNING" || status === "RESTARTING";
}
