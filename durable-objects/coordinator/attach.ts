/**
 * A task without memory asks where it stands [3, 5, 6, 23, 24]. Each attach is one transaction that
 * writes and answers; it calls nobody, because whoever it called might be waiting for its answer.
 */
import { keyGroupRangeOf } from "../../dataflow/key-group.ts";
import type {
  AttachPartitionAnswer,
  AttachPartitionRequest,
  AttachSourceAnswer,
  AttachSourceRequest,
  TaskId,
} from "../messages.ts";
import { abortPending } from "./abort.ts";
import { taskPrefix, type Coordination } from "./coordination.ts";
import { decideCodeVersion, retireVersion } from "./decide-code-version.ts";
import { makeDue } from "./due-list.ts";
import { givenUpLines } from "./failed-lines.ts";
import { takeBackFinalWatermark } from "./end-of-input.ts";
import { handleFailure } from "./failure.ts";
import { raiseGeneration, resumeIfDue } from "./generation.ts";
import { sourcesOf, storedAt, taskName, type JobRecord } from "./job-record.ts";
import { truncateBefore, uncoveredSources } from "./progress.ts";

type Wait = Extract<AttachSourceAnswer, { kind: "wait" }>;

/** Attaches of one task without a completed checkpoint that count as a failure of the job [32]. */
export const attachLimit = 10;
/** As many ask for a checkpoint whatever the interval: an ordinary wake-up ends the count that way. */
export const attachesForCheckpoint = 5;
/** How long a task waits that still runs a code version the job has left. */
const codeVersionWaitMs = 2_000;
/** How long a partition of a job that is stopped or failed waits: it is told when that changes. */
const notRunningWaitMs = 60_000;

export function attachSource(
  house: Coordination,
  { source, codeVersion }: AttachSourceRequest,
): AttachSourceAnswer {
  const { job, rows, store } = house;
  return store.step("attach source", (record): AttachSourceAnswer => {
    if (source < 0 || source >= record.shape.sources) throw unknownSource(house, source);
    const wait = enterGeneration(house, record, codeVersion);
    if (wait !== undefined) return wait;
    const row = rows.source(source);
    if (row.generation !== record.generation) {
      rows.writeSource({ ...row, generation: record.generation });
    }
    return {
      kind: "attached",
      generation: record.generation,
      status: record.status,
      parallelism: parallelismByVertex(house, record),
      restored: row.completed,
      completed: record.completed,
      truncateBefore: truncateBefore(rows.retained(), row),
      intervalMs: job.options.checkpoint.intervalMs,
      givenUp: givenUpLines(house, source, row.completed.offset),
    };
  });
}

export function attachPartition(
  house: Coordination,
  { task, codeVersion }: AttachPartitionRequest,
): AttachPartitionAnswer {
  return house.store.step("attach partition", (record): AttachPartitionAnswer => {
    if (!isTask(house, record, task)) {
      throw new Error(`Job ${house.job.name} has no partition ${task.vertex}/${task.index} now.`);
    }
    const wait = enterGeneration(house, record, codeVersion);
    if (wait !== undefined) return wait;
    if (record.status === "RUNNING") return newAttempt(house, record, task);
    return { kind: "wait", retryAfterMs: notRunningWaitMs, status: record.status };
  });
}

/** The attempt, the decision about the pending checkpoint, and what to restore: all in the caller's transaction [3]. */
function newAttempt(house: Coordination, record: JobRecord, task: TaskId): AttachPartitionAnswer {
  const { context, job, registry, rows } = house;
  const row = rows.task(task);
  const { pending } = record;
  if (pending !== undefined && rows.acknowledged(pending.id).has(taskName(task))) {
    abortPending(house, record, {
      reason: "TASK_CHECKPOINT_FAILURE",
      detail: `Partition ${task.vertex}/${task.index} lost its memory after it had acknowledged.`,
    });
    takeBackFinalWatermark(house, record, pending);
  }
  const replays = uncoveredSources(rows.sources(sourcesOf(record.shape))).length > 0;
  const attaches = replays ? row.attaches + 1 : 0;
  const attempt = row.attempt + 1;
  rows.writeTask(task, { ...row, attempt, attaches, generation: record.generation });
  if (attaches > attachLimit) {
    return handleFailure(house, record, {
      task,
      error: {
        name: "CrashLoop",
        message: `Partition ${task.vertex}/${task.index} lost its memory ${attaches} times without a completed checkpoint.`,
      },
    });
  }
  if (attaches === attachesForCheckpoint) {
    record.isForced = true;
    makeDue(record.due, "checkpoint", context.environment.now());
  }
  const pathPrefix = taskPrefix(job, record, task);
  const { parallelism, maxParallelism } = record.shape;
  return {
    kind: "attached",
    generation: record.generation,
    attempt,
    checkpoint: record.completed,
    decided: (record.pending?.id ?? record.nextCheckpoint) - 1,
    restored: rows.partition(task),
    sources: rows.sources(sourcesOf(record.shape)).map(({ completed }) => completed),
    keyGroups: keyGroupRangeOf(task.index, parallelism, maxParallelism),
    parallelism: parallelismByVertex(house, record),
    knownUploads: registry.pathsBelow(pathPrefix),
    pathPrefix,
    bucket: storedAt(job, record).bucket,
  };
}

/** Brings the job to the code the task runs, or says that the task has to wait. */
function enterGeneration(
  house: Coordination,
  record: JobRecord,
  codeVersion: string,
): Wait | undefined {
  resumeIfDue(house, record);
  const decision = decideCodeVersion({
    current: record.codeVersion,
    retired: record.retiredVersions,
    attaching: codeVersion,
    own: house.context.codeVersion,
  });
  if (decision === "wait") {
    return { kind: "wait", retryAfterMs: codeVersionWaitMs, status: "RESTARTING" };
  }
  if (decision === "adopt") {
    record.retiredVersions = retireVersion(record.retiredVersions, record.codeVersion);
    record.codeVersion = codeVersion;
    raiseGeneration(house, record, record.status, `Code version ${codeVersion} was deployed.`);
  }
  if (record.status !== "RESTARTING") return undefined;
  const retryAfterMs = (record.resumeAt ?? 0) - house.context.environment.now();
  return { kind: "wait", retryAfterMs, status: "RESTARTING" };
}

function isTask(house: Coordination, record: JobRecord, task: TaskId): boolean {
  return (
    house.job.vertices.some(({ uid }) => uid === task.vertex) &&
    task.index >= 0 &&
    task.index < record.shape.parallelism
  );
}

function parallelismByVertex(house: Coordination, record: JobRecord): Record<string, number> {
  return Object.fromEntries(
    house.job.vertices.map(({ uid }) => [uid, record.shape.parallelism] as const),
  );
}

function unknownSource({ job }: Coordination, source: number): Error {
  return new Error(
    `Job ${job.name} has ${job.options.sources} sources: there is no source ${source}.`,
  );
}
