/**
 * What the parts of the coordinator share: the object's context, the job, the rows, and the means to
 * begin one purpose of the due-list at once. Plain functions in the other files take it first.
 */
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { TaskId } from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import type { ExternalSink } from "./commits.ts";
import type { Purpose } from "./due-list.ts";
import type { JobRecord } from "./job-record.ts";
import type { Registry } from "./registry.ts";
import type { CoordinatorRows } from "./rows.ts";
import type { CoordinatorStore } from "./store.ts";
import type { Waiters } from "./waiters.ts";

export interface Coordination {
  readonly context: ObjectContext;
  readonly job: JobGraph;
  readonly store: CoordinatorStore;
  readonly rows: CoordinatorRows;
  readonly registry: Registry;
  /** Where output goes besides the feed; none for most jobs. */
  readonly sinks: readonly ExternalSink[];
  /** Callers of requestCheckpoint and stop; gone with the memory. */
  readonly waiters: Waiters;
  /** Begins `purpose` now, in the background. It must be on the due-list: the alarm repeats what a crash cuts off. */
  kick(purpose: Purpose): void;
}

/** A call to another object is given up after this long; whatever it asked is asked again from the alarm. */
const callTimeoutMs = 5_000;

/**
 * Calls another object of the job. Undefined when it failed or did not answer in time: that is
 * ordinary (a deploy, an eviction) and every caller asks again until it has an answer.
 */
export async function askPeer<Answer>(
  { context, store }: Coordination,
  call: () => Promise<Answer>,
  extraMs = 0,
): Promise<{ readonly answer: Answer } | undefined> {
  store.countRequest();
  const { promise: timedOut, resolve } = Promise.withResolvers<undefined>();
  const timer = context.setTimer(callTimeoutMs + extraMs, () => resolve(undefined));
  try {
    const answered = call().then(
      (answer) => ({ answer }),
      () => undefined,
    );
    return await Promise.race([answered, timedOut]);
  } finally {
    timer.cancel();
  }
}

/** Begins every path of the job [4]. */
export function jobPrefix(job: JobGraph, record: JobRecord): string {
  return `${job.options.checkpoint.storagePrefix}${job.name}/${record.incarnation}/`;
}

/** Begins every path one task writes, so that its objects are known by their names. */
export function taskPrefix(job: JobGraph, record: JobRecord, task: TaskId): string {
  const name = task.vertex.replaceAll(/[^A-Za-z0-9_-]/g, "_");
  return `${jobPrefix(job, record)}${name}-${task.index}/`;
}

export function manifestPath(job: JobGraph, record: JobRecord, checkpoint: number): string {
  return `${jobPrefix(job, record)}chk-${checkpoint}/manifest.json`;
}
