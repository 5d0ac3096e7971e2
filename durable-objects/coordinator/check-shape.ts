/**
 * What a coordinator that wakes up looks at in the job it was deployed with: its sinks, its shape, and
 * the states it declares.
 * Parallelism, maxParallelism, the number of sources, the bucket and its prefix are fixed while the job
 * has state or a log [12]: a deploy that changes them is taken over by an untouched job and fails any
 * other, which leaves the bucket alone until a deploy brings the earlier one back.
 */
import { adoptSchema, beginSchema } from "./check-schema.ts";
import { changeOfStorage, fixedBut } from "./check-storage.ts";
import { parkCommits } from "./commits.ts";
import { pulledFeedsOf } from "../../dataflow/feeds/feed.ts";
import type { Coordination } from "./coordination.ts";
import { makeDue } from "./due-list.ts";
import { recordException } from "./failure.ts";
import { raiseGeneration } from "./generation.ts";
import {
  shapeOf,
  sourcesOf,
  storageOf,
  storedAt,
  type JobRecord,
  type JobShape,
} from "./job-record.ts";
import { dropRequests } from "./requests.ts";

/** Done once in each memory: the options of the job are part of its code. */
export function checkShape(house: Coordination): void {
  const { job, store } = house;
  const wanted = shapeOf(job);
  store.step("wake", (record) => {
    // The version this object woke up with is being deployed, be it for the second time [5].
    record.retiredVersions = record.retiredVersions.filter(
      (version) => version !== house.context.codeVersion,
    );
    parkCommits(house, record);
    wakeSources(house, record);
    if (record.status === "FAILED") return;
    if (!isUsed(house, record)) {
      record.shape = wanted;
      record.storage = storageOf(job);
      beginSchema(house, record, []);
      return;
    }
    const message = changeOf(record.shape, wanted) ?? changeOfStorage(job, record);
    if (message !== undefined) {
      return failOnWaking(house, record, { name: "ShapeChanged", message });
    }
    record.storage ??= storedAt(job, record);
    const problem = adoptSchema(house, record);
    if (problem !== undefined) {
      failOnWaking(house, record, { name: "StateSchemaChanged", message: problem });
    }
  });
}

function failOnWaking(
  house: Coordination,
  record: JobRecord,
  error: { readonly name: string; readonly message: string },
): void {
  recordException(house, record, { error });
  raiseGeneration(house, record, "FAILED", error.message);
  dropRequests(house, record, error.message);
}

/** Sources with feeds begin by themselves: nobody sends them lines. Each code version wakes them once. */
function wakeSources({ context, job }: Coordination, record: JobRecord): void {
  if (pulledFeedsOf(job).length === 0 || record.wokenFor === context.codeVersion) return;
  record.wokenFor = context.codeVersion;
  if (record.status !== "RUNNING" && record.status !== "RESTARTING") return;
  const { enter } = record.notices;
  const { generation, shape } = record;
  record.notices.enter = { generation, sources: sourcesOf(shape), tasks: enter?.tasks ?? [] };
  makeDue(record.due, "notify", context.environment.now());
}

function changeOf(now: JobShape, wanted: JobShape): string | undefined {
  for (const name of ["parallelism", "maxParallelism", "sources"] as const) {
    if (now[name] !== wanted[name]) return fixedBut(name, now[name], wanted[name]);
  }
  return undefined;
}

function isUsed({ rows }: Coordination, record: JobRecord): boolean {
  const attached = rows.sources(sourcesOf(record.shape)).some(({ generation }) => generation > 0);
  return attached || record.nextCheckpoint > 1 || rows.tasks().length > 0;
}
