/**
 * Runs lines of the log through the whole tree of a job's operators, timestamps and watermarks
 * included, and cuts what reaches the edges into frames. Beside batch.ts, which only counts.
 *
 * Promise: given the same lines and the same start, the same records in the same order with the same
 * watermarks before them, however they are cut into batches [5, 13].
 */
import { ChainState, compileChain, compileConsumers, type Push } from "../../dataflow/chain.ts";
import type { Edge, JobGraph, KeyedVertex } from "../../dataflow/job-graph.ts";
import { Partitioner } from "../../dataflow/partitioner.ts";
import { RecordPartitioner } from "../../dataflow/record-partitioner.ts";
import type { WatermarkProgress } from "../../dataflow/time/watermark-progress.ts";
import type { Position, TaskId } from "../messages.ts";
import { LineFailure, type Batch, type CutFrame, type CutRequest } from "./batch.ts";
import type { LineCutter } from "./line-cutter.ts";
import type { Segment } from "./log.ts";
import { lineStart } from "./position.ts";
import { startOfLine } from "./segment-text.ts";
import type { WatermarkPositions } from "./watermark-positions.ts";

export interface RecordBatchOptions {
  readonly job: JobGraph;
  readonly source: number;
  readonly parallelism: Readonly<Record<string, number>>;
  readonly positions: WatermarkPositions;
}

/** A vertex as the cutter sees it: gives records away, hands out frames. */
interface Target {
  readonly uid: string;
  readonly partitioner: Pick<Partitioner, "drain" | "reset" | "setActive">;
  give(edge: Edge, record: unknown): void;
}

export class RecordBatchCutter implements LineCutter {
  readonly #options: RecordBatchOptions;
  readonly #targets: readonly Target[];
  readonly #state = new ChainState();
  readonly #runLine: Push;
  readonly #hasWatermarks: boolean;
  readonly #decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  /** Where the record at hand comes from. */
  readonly #origin = {
    timestamp: undefined as number | undefined,
    watermark: -Infinity,
    arrivalTime: 0,
    line: 0,
  };
  #progress: readonly WatermarkProgress<unknown>[] = [];
  /** Records given to edges by the line at hand: the second part of a position. */
  #record = 0;
  /** Records of the first line that the receiver has already. */
  #skip = 0;
  #frames: (CutFrame & { watermark: number })[] = [];

  constructor(options: RecordBatchOptions) {
    const { job } = options;
    this.#options = options;
    this.#hasWatermarks = job.source.watermarks.length > 0;
    this.#targets = job.vertices.map((vertex) => this.#target(vertex));
    const host = {
      edge: (edge: Edge) => this.#edge(edge),
      sink: () => {
        throw new Error("A sink stands behind a keyed vertex.");
      },
      progress: (generator: number) => this.#progress[generator]!,
    };
    const rest = compileConsumers(job.source.ends, this.#state, host);
    this.#runLine = compileChain(job.source.chain, rest);
  }

  cut(request: CutRequest): Batch & { readonly watermark: number } {
    this.#activate(request.tasks);
    this.#frames = [];
    try {
      const to = this.#run(request);
      for (const { partitioner } of this.#targets) partitioner.drain();
      const { arrivalTime, watermark } = this.#origin;
      return { to, arrivalTime, watermark, frames: this.#frames };
    } catch (error) {
      for (const { partitioner } of this.#targets) partitioner.reset();
      throw new LineFailure(this.#origin.line, error);
    }
  }

  #run({ segments, from, toLine }: CutRequest): Position {
    const { positions } = this.#options;
    const origin = this.#origin;
    origin.line = from.line;
    this.#skip = from.record;
    if (this.#hasWatermarks) this.#progress = positions.open(from.line);
    this.#takeWatermark();
    for (const segment of segments) {
      if (origin.line >= toLine) break;
      origin.arrivalTime = segment.arrivalTime;
      this.#runSegment(segment, toLine);
    }
    if (this.#hasWatermarks) positions.keep(origin.line, this.#progress);
    this.#record = 0;
    return lineStart(origin.line);
  }

  #runSegment(segment: Segment, toLine: number): void {
    const origin = this.#origin;
    const text = this.#decoder.decode(segment.bytes);
    const end = Math.min(segment.firstLine + segment.lines, toLine);
    let start = startOfLine(text, origin.line - segment.firstLine);
    while (origin.line < end) {
      const lineEnd = text.indexOf("\n", start);
      this.#record = 0;
      this.#state.timestamp = undefined;
      this.#state.place = { source: this.#options.source, line: origin.line };
      this.#runLine(lineEnd < 0 ? text.slice(start) : text.slice(start, lineEnd));
      this.#skip = 0;
      this.#takeWatermark();
      origin.line++;
      start = lineEnd < 0 ? text.length : lineEnd + 1;
    }
  }

  /** What the lines so far have reached: the least of all generators. */
  #takeWatermark(): void {
    if (!this.#hasWatermarks) return;
    let least = Infinity;
    for (const { watermark } of this.#progress) least = Math.min(least, watermark);
    this.#origin.watermark = least;
  }

  #edge(edge: Edge): Push {
    const target = this.#targetOf(edge.vertex);
    return (record) => {
      if (this.#record >= this.#skip) {
        this.#origin.timestamp = this.#state.timestamp;
        target.give(edge, record);
      }
      this.#record++;
    };
  }

  #target(vertex: KeyedVertex): Target {
    const { job, parallelism } = this.#options;
    const { uid } = vertex;
    const options = {
      vertex,
      parallelism: parallelism[uid]!,
      maxParallelism: job.options.maxParallelism,
      onFrame: (index: number, bytes: Uint8Array) => this.#add({ vertex: uid, index }, bytes),
    };
    if (vertex.operator.kind === "count") {
      const partitioner = new Partitioner(options);
      return { uid, partitioner, give: (_edge, record) => partitioner.add(record) };
    }
    const partitioner = new RecordPartitioner(options);
    return {
      uid,
      partitioner,
      give: (edge, record) => partitioner.add(edge, record, this.#origin),
    };
  }

  #activate(tasks: readonly TaskId[]): void {
    for (const { uid, partitioner } of this.#targets) {
      for (let index = 0; index < this.#options.parallelism[uid]!; index++) {
        partitioner.setActive(index, false);
      }
    }
    for (const { vertex, index } of tasks) {
      this.#targetOf(vertex).partitioner.setActive(index, true);
    }
  }

  #add(task: TaskId, bytes: Uint8Array): void {
    const { arrivalTime, watermark, line } = this.#origin;
    const to = { line, record: this.#record };
    this.#frames.push({ task, to, bytes, arrivalTime, watermark });
  }

  #targetOf(uid: string): Target {
    return this.#targets.find((target) => target.uid === uid)!;
  }
}
