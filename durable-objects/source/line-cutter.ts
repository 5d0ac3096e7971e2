/**
 * Cuts lines of the log into frames: one of two ways, chosen once for a job. Counting has the fast one
 * (batch.ts), whose records are combined; everything else goes record by record (record-batch.ts). Lines
 * that were given up are left out of either (given-up-lines.ts).
 */
import { verticesFedByLog } from "../../dataflow/edges.ts";
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { GivenUpLine } from "../given-up-line.ts";
import { BatchCutter, type Batch, type CutRequest } from "./batch.ts";
import { GivenUpLines } from "./given-up-lines.ts";
import { RecordBatchCutter } from "./record-batch.ts";
import type { WatermarkPositions } from "./watermark-positions.ts";

export interface LineCutter {
  /** Throws LineFailure; nothing is kept of the batch then. */
  cut(request: CutRequest): Batch & { readonly watermark?: number };
}

export interface LineCutterOptions {
  readonly job: JobGraph;
  readonly source: number;
  readonly parallelism: Readonly<Record<string, number>>;
  readonly positions: WatermarkPositions;
  /** In order of their lines; none when absent. */
  readonly givenUp?: readonly GivenUpLine[];
}

export function createLineCutter(options: LineCutterOptions): LineCutter {
  const { job, parallelism, givenUp = [] } = options;
  const cutter = isPlainCounting(job)
    ? new BatchCutter(job, parallelism)
    : new RecordBatchCutter(options);
  const [vertex] = verticesFedByLog(job);
  if (givenUp.length === 0 || vertex === undefined) return cutter;
  return new GivenUpLines({
    cutter,
    source: options.source,
    lines: givenUp,
    vertex,
    parallelism: parallelism[vertex]!,
    positions: job.source.watermarks.length > 0 ? options.positions : undefined,
  });
}

/** One line of operators, and every record goes to every vertex, each of which counts. */
function isPlainCounting({ source, vertices }: JobGraph): boolean {
  return (
    vertices.every(({ operator }) => operator.kind === "count") &&
    source.ends.length === vertices.length &&
    source.ends.every(({ kind }) => kind === "edge")
  );
}
