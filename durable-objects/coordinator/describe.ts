/**
 * What a job looks like from outside, from what its tasks last reported [43]: nobody is called, so
 * figures are as old as the last checkpoint or the last time the input fell silent.
 */
import type { JsonObject, Topology } from "../coordinator-queries.ts";
import { fitting } from "./bounded-reply.ts";
import { describeSinks } from "./commits.ts";
import type { Coordination } from "./coordination.ts";
import { exceptionLimit } from "./failure.ts";
import { sourcesOf, type JobRecord } from "./job-record.ts";

export function topology({ job, store }: Coordination): Topology {
  const { generation, shape, status } = store.record;
  return {
    status,
    generation,
    maxParallelism: shape.maxParallelism,
    parallelism: Object.fromEntries(job.vertices.map(({ uid }) => [uid, shape.parallelism])),
    sources: shape.sources,
  };
}

/** `GET /jobs/{job}`. */
export function describeJob(house: Coordination): JsonObject {
  const { context, job, store } = house;
  const record = store.record;
  return {
    id: job.name,
    name: job.name,
    status: record.status,
    generation: record.generation,
    parallelism: record.shape.parallelism,
    maxParallelism: record.shape.maxParallelism,
    codeVersion: record.codeVersion,
    "start-time": record.createdAt,
    duration: context.environment.now() - record.createdAt,
    vertices: [sourceVertex(house, record), ...keyedVertices(house, record)],
    sources: describeSources(house, record),
    restarts: record.counts.restarts,
    deadLetters: record.deadLetters ?? 0,
    lastException: readExceptions(house, 1)[0] ?? null,
    checkpoint: { latestCompleted: record.completed, pending: record.pending?.id ?? null },
    sinks: describeSinks(house),
  };
}

/** `GET /jobs/{job}/exceptions`: the newest first. */
export function exceptions(house: Coordination): JsonObject {
  const entries = readExceptions(house, exceptionLimit);
  return { exceptionHistory: { entries, truncated: entries.length === exceptionLimit } };
}

function readExceptions({ store }: Coordination, limit: number): JsonObject[] {
  const newest = store
    .read<{ data: string }>("SELECT data FROM exception ORDER BY number DESC LIMIT ?", limit)
    .map(({ data }) => JSON.parse(data) as JsonObject);
  return [...fitting(newest)];
}

function describeSources({ rows }: Coordination, { shape }: JobRecord): JsonObject[] {
  return rows.sources(sourcesOf(shape)).map(({ completed, report, source }) => ({
    source,
    accepted: report?.accepted ?? 0,
    processed: report?.processed ?? 0,
    committed: completed.offset,
    firstKept: report?.firstKept ?? 0,
    bytesKept: report?.bytesKept ?? 0,
    ...(report?.feeds !== undefined && { feeds: report.feeds }),
  }));
}

function sourceVertex({ rows }: Coordination, { shape }: JobRecord): JsonObject {
  const reports = rows.sources(sourcesOf(shape)).map(({ report }) => report);
  const accepted = reports.reduce((sum, report) => sum + (report?.accepted ?? 0), 0);
  const processed = reports.reduce((sum, report) => sum + (report?.processed ?? 0), 0);
  return {
    id: "lines()",
    name: "lines()",
    kind: "source",
    parallelism: shape.sources,
    maxParallelism: shape.sources,
    recordsIn: accepted,
    recordsOut: processed,
    watermark: null,
    busyRatio: null,
    backPressure: accepted > processed ? "high" : "ok",
  };
}

function keyedVertices(house: Coordination, record: JobRecord): JsonObject[] {
  const { job, rows } = house;
  const partitions = rows.partitions();
  return job.vertices.map(({ operator, uid }) => {
    const watermarks = partitions
      .filter(({ task }) => task.vertex === uid)
      .flatMap(({ data }) => Object.values(data.watermarks));
    return {
      id: uid,
      name: uid,
      kind: operator.kind,
      parallelism: record.shape.parallelism,
      maxParallelism: record.shape.maxParallelism,
      recordsIn: record.records[uid]?.in ?? 0,
      recordsOut: record.records[uid]?.out ?? 0,
      watermark: watermarks.length === 0 ? null : Math.min(...watermarks),
      busyRatio: null,
      backPressure: null,
    };
  });
}
