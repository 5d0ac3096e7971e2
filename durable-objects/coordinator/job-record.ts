/**
 * What the coordinator knows of the job as a whole: one row of SQLite, because a row written is the
 * dearest meter. Rows that grow with tasks, objects or history are in schema.ts.
 *
 * The record is only ever changed inside a transaction of the store.
 */
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { VertexSchema } from "../../state-engine/index.ts";
import type { CheckpointMode, JobStatus, OperationCounts, TaskId } from "../messages.ts";
import type { DueList } from "./due-list.ts";
import type { FailedRecord } from "./plan-restart.ts";

export interface JobRecord {
  /** Random, made with the storage: begins every path of this job [4]. */
  readonly incarnation: string;
  readonly createdAt: number;
  generation: number;
  codeVersion: string;
  /** Code versions given up for a newer one: tasks that still run them wait [5]. */
  retiredVersions: string[];
  status: JobStatus;
  /** Fixed while the job has state or a log [12]. */
  shape: JobShape;
  /** Where every object of the job is; fixed with the shape. Absent in older records: see storedAt. */
  storage?: JobStorage;
  /** The keyed states that are stored, and the first checkpoint that records them so. */
  schema?: { readonly vertices: readonly VertexSchema[]; readonly from: number };
  /** Never handed out before, and never again [4]. */
  nextCheckpoint: number;
  /** The latest completed checkpoint, explicitly and never the highest id [18]; 0 when there is none. */
  completed: number;
  completedAt: number;
  lastTriggerAt: number;
  /** The code version for which sources with feeds were woken. */
  wokenFor?: string;
  /** The next checkpoint does not wait for the min pause [25]. */
  isForced?: boolean;
  /** The last checkpoint of a bounded job is complete; its output is still being committed. */
  isFinishing?: boolean;
  /** The next checkpoint waits for deletions or commits to come on [36]. */
  isHeldUp?: boolean;
  /** The code version that commits to external sinks were last looked at with. */
  commitVersion?: string;
  /** Changes that tasks reported, and how many of them the latest completed checkpoint holds [26]. */
  changes?: { readonly reported: number; readonly covered: number };
  pending?: PendingCheckpoint;
  due: DueList;
  notices: Notices;
  /** Failed checkpoints in a row. */
  failedCheckpoints: number;
  /** Rollbacks of keyed vertices that feed each other, since the last completed checkpoint. */
  rollbacks?: number;
  restart: RestartState;
  /** End of the back-off while RESTARTING. */
  resumeAt?: number;
  counts: { restored: number; completed: number; failed: number; restarts: number };
  restored?: { id: number; timestamp: number };
  /** Lines given up [42]. */
  deadLetters?: number;
  /** Records in and out of each vertex, as acknowledgements reported them [43]. */
  records: Record<string, { in: number; out: number }>;
  /** The highest row of committed output that was deleted. */
  outputPruned?: number;
  /** When the bucket was last searched for orphans. */
  scannedAt?: number;
  /** Billed operations of all objects of the job, as they reported them. */
  operations: MutableOperationCounts;
}

export interface JobShape {
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly sources: number;
}

export interface JobStorage {
  /** An R2 binding: paths do not say in which bucket they are. */
  readonly bucket: string;
  readonly storagePrefix: string;
}

export interface PendingCheckpoint {
  readonly id: number;
  readonly base: number;
  readonly mode: CheckpointMode;
  readonly triggeredAt: number;
  readonly deadline: number;
  /** How long barriers wait before they overtake; absent for an aligned checkpoint. */
  readonly alignmentTimeoutMs?: number;
  /** Changes that tasks had reported when it was triggered: it holds them. */
  readonly changes: number;
  /** Its barriers carry the final watermark. */
  readonly endsTime?: boolean;
  /** Its complete bytes are in SQLite: a PUT of it may be under way [33]. */
  manifest?: FixedManifest;
}

export interface FixedManifest {
  readonly path: string;
  /** Paths of the manifests it builds on, without its own. */
  readonly chain: readonly string[];
  readonly fullTables: number;
  readonly deltaTables: number;
  readonly newTables: number;
  readonly reusedTables: number;
}

/** Whom to tell what until they have answered. */
export interface Notices {
  completed?: { readonly checkpoint: number; sources: number[] };
  aborted?: { readonly checkpoint: number; sources: number[]; tasks: TaskId[] };
  enter?: { readonly generation: number; sources: number[]; tasks: TaskId[] };
  /** Rounds in a row in which somebody did not answer. */
  rounds: number;
}

export interface RestartState {
  /** Restarts since the last completed checkpoint. */
  inARow: number;
  backoffMs: number;
  lastFailureAt: number;
  /** Failures since the job was started, for a strategy that counts them. */
  failures?: number;
  /** When the failures within the interval happened, for a strategy that looks at their rate. */
  recentFailures?: readonly number[];
  /** The record that failed last, and how often in a row. */
  poison?: FailedRecord & { readonly failures: number };
}

export interface MutableOperationCounts {
  classA: number;
  classB: number;
  rowsWritten: number;
  requests: number;
  queueOperations?: number;
  subrequests?: number;
}

export const noOperations: OperationCounts = { classA: 0, classB: 0, rowsWritten: 0, requests: 0 };

export function shapeOf(job: JobGraph): JobShape {
  const { parallelism, maxParallelism, sources } = job.options;
  return { parallelism, maxParallelism, sources };
}

export function storageOf(job: JobGraph): JobStorage {
  const { bucket, storagePrefix } = job.options.checkpoint;
  return { bucket, storagePrefix };
}

/** Before a bucket could be named there was one, and the prefix was not recorded. */
export function storedAt(job: JobGraph, { storage }: JobRecord): JobStorage {
  return storage ?? { ...storageOf(job), bucket: "BUCKET" };
}

export function newJobRecord(facts: {
  readonly job: JobGraph;
  readonly incarnation: string;
  readonly now: number;
  readonly codeVersion: string;
}): JobRecord {
  return {
    incarnation: facts.incarnation,
    createdAt: facts.now,
    generation: 1,
    codeVersion: facts.codeVersion,
    retiredVersions: [],
    status: "RUNNING",
    shape: shapeOf(facts.job),
    storage: storageOf(facts.job),
    nextCheckpoint: 1,
    completed: 0,
    completedAt: 0,
    lastTriggerAt: 0,
    due: {},
    notices: { rounds: 0 },
    failedCheckpoints: 0,
    restart: { inARow: 0, backoffMs: 0, lastFailureAt: 0 },
    counts: { restored: 0, completed: 0, failed: 0, restarts: 0 },
    records: {},
    operations: { ...noOperations },
  };
}

export function addOperations(sum: MutableOperationCounts, more: OperationCounts): void {
  sum.classA += more.classA;
  sum.classB += more.classB;
  sum.rowsWritten += more.rowsWritten;
  sum.requests += more.requests;
  const { queueOperations, subrequests } = more;
  if (queueOperations) sum.queueOperations = (sum.queueOperations ?? 0) + queueOperations;
  if (subrequests) sum.subrequests = (sum.subrequests ?? 0) + subrequests;
}

/** Every partition of the job, by vertex in topological order. */
export function tasksOf(job: JobGraph, shape: JobShape): TaskId[] {
  return job.vertices.flatMap(({ uid }) =>
    Array.from({ length: shape.parallelism }, (_, index) => ({ vertex: uid, index })),
  );
}

export function sourcesOf(shape: JobShape): number[] {
  return Array.from({ length: shape.sources }, (_, index) => index);
}

export function taskName(task: TaskId): string {
  return `${task.vertex}/${task.index}`;
}
