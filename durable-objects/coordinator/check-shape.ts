/**
 * What a coordinator that wakes up looks at in the job it was deployed with: its sinks, and its shape.
 * Parallelism, maxParallelism and the number of sources are fixed while the job has state or a log
 * [12]: a deploy that changes them is taken over by an untouched job and fails any other.
 */
import { parkCommits } from "./commits.ts";
import type { Coordination } from "./coordination.ts";
import { recordException } from "./failure.ts";
import { raiseGeneration } from "./generation.ts";
import { shapeOf, sourcesOf, type JobRecord, type JobShape } from "./job-record.ts";
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
    const difference = describeDifference(record.shape, wanted);
    if (difference === undefined || record.status === "FAILED") return;
    if (!isUsed(house, record)) {
      record.shape = wanted;
      return;
    }
    recordException(house, record, {
      error: {
        name: "ShapeChanged",
        message: `${difference}, which is fixed while the job has state or a log: deploy the earlier value and start the job.`,
      },
    });
    raiseGeneration(house, record, "FAILED", difference);
    dropRequests(house, record, difference);
  });
}

function describeDifference(now: JobShape, wanted: JobShape): string | undefined {
  for (const name of ["parallelism", "maxParallelism", "sources"] as const) {
    if (now[name] !== wanted[name]) {
      return `The job was deployed with ${name} ${wanted[name]} instead of ${now[name]}`;
    }
  }
  return undefined;
}

function isUsed({ rows }: Coordination, record: JobRecord): boolean {
  const attached = rows.sources(sourcesOf(record.shape)).some(({ generation }) => generation > 0);
  return attached || record.nextCheckpoint > 1 || rows.tasks().length > 0;
}
