/**
 * Cuts lines of the log into frames: one of two ways, chosen once for a job. Counting has the fast one
 * (batch.ts), whose records are combined; everything else goes record by record (record-batch.ts).
 */
import type { JobGraph } from "../../dataflow/job-graph.ts";
import { BatchCutter, type Batch, type CutRequest } from "./batch.ts";
import { RecordBatchCutter } from "./record-batch.ts";
import type { WatermarkPositions } from "./watermark-positions.ts";

export interface LineCutter {
  /** Throws LineFailure; nothing is kept of the batch then. */
  cut(request: CutRequest): Batch & { readonly watermark?: number };
}

export function createLineCutter(
  job: JobGraph,
  source: number,
  parallelism: Readonly<Record<string, number>>,
  positions: WatermarkPositions,
): LineCutter {
  return isPlainCounting(job)
    ? new BatchCutter(job, parallelism)
    : new RecordBatchCutter({ job, source, parallelism, positions });
}

/** One line of operators, and every record goes to every vertex, each of which counts. */
function isPlainCounting({ source, vertices }: JobGraph): boolean {
  return (
    vertices.every(({ operator }) => operator.kind === "count") &&
    source.ends.length === vertices.length &&
    source.ends.every(({ kind }) => kind === "edge")
  );
}
