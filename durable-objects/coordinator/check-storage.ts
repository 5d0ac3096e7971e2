/**
 * What becomes of a job that is deployed with another bucket or prefix than its objects are in [12].
 *
 * Promise: such a job does not run, and its coordinator deletes, lists and reads nothing in the bucket it
 * was deployed with: what is to be deleted stays noted until a deploy brings the earlier one back.
 */
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { Coordination } from "./coordination.ts";
import type { Purpose } from "./due-list.ts";
import { storageOf, storedAt, type JobRecord } from "./job-record.ts";

/** The deploy that mends it wakes the coordinator with its first request; the alarm is for when nobody asks. */
const retryMs = 600_000;

const bucketPurposes: ReadonlySet<Purpose> = new Set(["sweep", "stray", "scan", "commit"]);

/** Why the job's objects are not where the deployed job would look for them; undefined when they are. */
export function changeOfStorage(job: JobGraph, record: JobRecord): string | undefined {
  const now = storedAt(job, record);
  const wanted = storageOf(job);
  for (const name of ["bucket", "storagePrefix"] as const) {
    if (now[name] === wanted[name]) continue;
    return fixedBut(`checkpoint.${name}`, JSON.stringify(now[name]), JSON.stringify(wanted[name]));
  }
  return undefined;
}

/** True for what needs the bucket and cannot have it: `purpose` stays on the due-list for later. */
export function waitsForStorage({ context, job, store }: Coordination, purpose: Purpose): boolean {
  if (!bucketPurposes.has(purpose)) return false;
  if (changeOfStorage(job, store.record) === undefined) return false;
  store.step("wait for storage", (record) => {
    record.due[purpose] = context.environment.now() + retryMs;
  });
  return true;
}

/** The message of a job that fails because an option is fixed. */
export function fixedBut(name: string, now: string | number, wanted: string | number): string {
  return (
    `The job was deployed with ${name} ${wanted} instead of ${now}, which is fixed while the job has ` +
    `state or a log: deploy the earlier value and start the job.`
  );
}
