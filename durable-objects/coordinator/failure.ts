/**
 * A failure of the job: its history, and the restart it leads to. Everything happens in the caller's
 * transaction; a failure that belongs to an older generation or attempt is not one [24].
 */
import type { AttachPartitionAnswer, TaskFailure } from "../messages.ts";
import { abortPending, type Abort } from "./abort.ts";
import {
  checkpointFailureReasons,
  failureMessage,
  type CheckpointFailureReason,
} from "./checkpoint-failure.ts";
import type { Coordination } from "./coordination.ts";
import { makeDue } from "./due-list.ts";
import { judgeLine } from "./failed-lines.ts";
import { takeBackFinalWatermark } from "./end-of-input.ts";
import { raiseGeneration } from "./generation.ts";
import type { JobRecord } from "./job-record.ts";
import { planAfterLine, planRestart, type FailedRecord } from "./plan-restart.ts";
import { dropRequests } from "./requests.ts";

/** Failures kept for GET /jobs/{job}/exceptions. */
export const exceptionLimit = 100;
const longestStack = 4_000;

export type FailureCause = Pick<
  TaskFailure,
  "error" | "isFinal" | "source" | "line" | "operator" | "key"
> & {
  /** Absent when the coordinator itself is at the failure's origin. */
  readonly task?: TaskFailure["task"];
  /** Why the checkpoint failed that was one too many. */
  readonly checkpointFailure?: CheckpointFailureReason;
};

export function fail(house: Coordination, failure: TaskFailure): void {
  const { rows, store } = house;
  store.step("fail", (record) => {
    if (failure.generation !== record.generation || record.status !== "RUNNING") return;
    if ("vertex" in failure.task && rows.task(failure.task).attempt !== failure.attempt) return;
    handleFailure(house, record, failure);
  });
}

/**
 * Aborts the pending checkpoint; when the reason is one that counts, more of them in a row than the job
 * tolerates restart it.
 */
export function failCheckpoint(house: Coordination, record: JobRecord, abort: Abort): void {
  const { detail, reason } = abort;
  const { pending } = record;
  abortPending(house, record, abort);
  takeBackFinalWatermark(house, record, pending);
  if (!checkpointFailureReasons[reason].counts) return;
  record.failedCheckpoints++;
  if (record.failedCheckpoints <= house.job.options.checkpoint.tolerableFailures) return;
  record.failedCheckpoints = 0;
  handleFailure(house, record, {
    error: {
      name: "CheckpointException",
      message: `Exceeded checkpoint tolerable failure threshold. ${failureMessage(reason, detail)}`,
    },
    checkpointFailure: reason,
  });
}

/** The deadline of the pending checkpoint has come [22]. */
export function expire(house: Coordination): void {
  house.store.step("expire", (record) => {
    const { pending } = record;
    if (pending === undefined) return void delete record.due.deadline;
    const waitedMs = pending.deadline - pending.triggeredAt;
    failCheckpoint(house, record, {
      reason: "CHECKPOINT_EXPIRED",
      detail: `Checkpoint ${pending.id} was not complete after ${waitedMs} ms.`,
    });
  });
}

/** Answers what a task that attaches at this very moment is told. */
export function handleFailure(
  house: Coordination,
  record: JobRecord,
  cause: FailureCause,
): Extract<AttachPartitionAnswer, { kind: "wait" }> {
  const { context, job } = house;
  const now = context.environment.now();
  const failed = recordOf(cause);
  const verdict = judgeLine(house, cause);
  const facts = {
    now,
    options: job.options.restart,
    state: record.restart,
    ...(failed !== undefined && { record: failed }),
    random: context.environment.random(),
  };
  const decided = verdict === undefined ? planRestart(facts) : planAfterLine(facts, verdict);
  const plan = cause.isFinal === true ? ({ ...decided, kind: "fail" } as const) : decided;
  const isDeadLetter = verdict?.kind === "givenUp";
  if (isDeadLetter) record.deadLetters = (record.deadLetters ?? 0) + 1;
  recordException(house, record, { ...cause, isDeadLetter });
  record.restart = plan.state;
  if (plan.kind === "fail") {
    raiseGeneration(house, record, "FAILED", cause.error.message);
    dropRequests(house, record, "The job has failed.");
    return { kind: "wait", retryAfterMs: 10_000, status: "FAILED" };
  }
  raiseGeneration(house, record, "RESTARTING", cause.error.message);
  record.resumeAt = now + plan.delayMs;
  makeDue(record.due, "restart", record.resumeAt);
  return { kind: "wait", retryAfterMs: plan.delayMs, status: "RESTARTING" };
}

function recordOf({ source, line, operator, key }: FailureCause): FailedRecord | undefined {
  if (source !== undefined && line !== undefined) return { source, line };
  return operator !== undefined && key !== undefined ? { operator, key } : undefined;
}

export function recordException(
  house: Coordination,
  record: JobRecord,
  cause: FailureCause & { readonly isDeadLetter?: boolean },
): void {
  const { checkpointFailure, task, error, source, line, operator, key } = cause;
  const { context, store } = house;
  store.write(
    "INSERT INTO exception (data) VALUES (?)",
    JSON.stringify({
      timestamp: context.environment.now(),
      exceptionName: error.name,
      message: error.message.slice(0, longestStack),
      stacktrace: (error.stack ?? "").slice(0, longestStack),
      taskName: taskLabel(task),
      generation: record.generation,
      source: source ?? null,
      offset: line ?? null,
      operator: operator ?? null,
      key: key ?? null,
      deadLetter: cause.isDeadLetter ?? false,
      checkpointFailureReason: checkpointFailure ?? null,
    }),
  );
  store.write(
    "DELETE FROM exception WHERE number <= (SELECT MAX(number) FROM exception) - ?",
    exceptionLimit,
  );
}

function taskLabel(task: FailureCause["task"]): string {
  if (task === undefined) return "coordinator";
  return "vertex" in task ? `${task.vertex}/${task.index}` : `source/${task.source}`;
}
