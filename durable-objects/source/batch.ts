/**
 * Runs lines of the log through the job's chain and cuts the records into frames. No I/O, no state
 * between calls except caches: given the same lines and the same start it makes the same frames, as
 * long as the user's functions are pure [5].
 */
import { compileChain } from "../../dataflow/chain.ts";
import type { Push } from "../../dataflow/chain.ts";
import type { JobGraph } from "../../dataflow/job-graph.ts";
import { Partitioner } from "../../dataflow/partitioner.ts";
import type { Position, TaskId } from "../messages.ts";
import type { Segment } from "./log.ts";
import { lineStart } from "./position.ts";
import { startOfLine } from "./segment-text.ts";

export interface CutRequest {
  /** Consecutive; the first one holds `from.line`. */
  readonly segments: readonly Segment[];
  readonly from: Position;
  /** Stop before this line. */
  readonly toLine: number;
  /** The channels that get frames; records of others are passed over. */
  readonly tasks: readonly TaskId[];
}

export interface Batch {
  /** Everything before this point is in the frames. */
  readonly to: Position;
  /** When the last line of the batch arrived. */
  readonly arrivalTime: number;
  /** In order of each channel. A channel that got no record has none. */
  readonly frames: readonly CutFrame[];
}

export interface CutFrame {
  readonly task: TaskId;
  /** The frame's records come before this one and after the channel's previous frame. */
  readonly to: Position;
  readonly bytes: Uint8Array;
  readonly arrivalTime: number;
  /** Event time at `to`; absent for a job without watermarks. */
  readonly watermark?: number;
}

/** A function of the job threw. `line` is the one it was given. */
export class LineFailure extends Error {
  override readonly name = "LineFailure";
  readonly line: number;

  constructor(line: number, cause: unknown) {
    super(`A function of the job threw at line ${line} of the log.`, { cause });
    this.line = line;
  }
}

export class BatchCutter {
  readonly #vertices: readonly { readonly uid: string; readonly partitioner: Partitioner }[];
  readonly #parallelism: Readonly<Record<string, number>>;
  readonly #runLine: Push;
  readonly #decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  #line = 0;
  #record = 0;
  /** Records of the first line that the receiver has already. */
  #skip = 0;
  #arrivalTime = 0;
  #frames: CutFrame[] = [];

  constructor(job: JobGraph, parallelism: Readonly<Record<string, number>>) {
    this.#parallelism = parallelism;
    this.#vertices = job.vertices.map((vertex) => ({
      uid: vertex.uid,
      partitioner: new Partitioner({
        vertex,
        parallelism: parallelism[vertex.uid]!,
        maxParallelism: job.options.maxParallelism,
        onFrame: (index, bytes) => this.#add({ vertex: vertex.uid, index }, bytes),
      }),
    }));
    const partitioners = this.#vertices.map(({ partitioner }) => partitioner);
    const [only] = partitioners;
    const give: Push =
      partitioners.length === 1
        ? only!.add
        : (record) => {
            for (const partitioner of partitioners) partitioner.add(record);
          };
    this.#runLine = compileChain(job.source.chain, (record) => {
      if (this.#record >= this.#skip) give(record);
      this.#record++;
    });
  }

  /** Throws LineFailure; nothing is kept of the batch then. */
  cut(request: CutRequest): Batch {
    this.#activate(request.tasks);
    this.#frames = [];
    try {
      const to = this.#run(request);
      for (const { partitioner } of this.#vertices) partitioner.drain();
      return { to, arrivalTime: this.#arrivalTime, frames: this.#frames };
    } catch (error) {
      for (const { partitioner } of this.#vertices) partitioner.reset();
      throw new LineFailure(this.#line, error);
    }
  }

  #run({ segments, from, toLine }: CutRequest): Position {
    this.#line = from.line;
    this.#skip = from.record;
    for (const segment of segments) {
      if (this.#line >= toLine) break;
      this.#arrivalTime = segment.arrivalTime;
      this.#runSegment(segment, toLine);
    }
    this.#record = 0;
    return lineStart(this.#line);
  }

  #runSegment(segment: Segment, toLine: number): void {
    const text = this.#decoder.decode(segment.bytes);
    const end = Math.min(segment.firstLine + segment.lines, toLine);
    let start = startOfLine(text, this.#line - segment.firstLine);
    while (this.#line < end) {
      const lineEnd = text.indexOf("\n", start);
      this.#record = 0;
      this.#runLine(lineEnd < 0 ? text.slice(start) : text.slice(start, lineEnd));
      this.#skip = 0;
      this.#line++;
      start = lineEnd < 0 ? text.length : lineEnd + 1;
    }
  }

  #activate(tasks: readonly TaskId[]): void {
    for (const { uid, partitioner } of this.#vertices) {
      for (let index = 0; index < this.#parallelism[uid]!; index++) {
        partitioner.setActive(index, false);
      }
    }
    for (const task of tasks) this.#partitionerOf(task).setActive(task.index, true);
  }

  #add(task: TaskId, bytes: Uint8Array): void {
    const to = { line: this.#line, record: this.#record };
    this.#frames.push({ task, to, bytes, arrivalTime: this.#arrivalTime });
  }

  #partitionerOf(task: TaskId): Partitioner {
    return this.#vertices.find(({ uid }) => uid === task.vertex)!.partitioner;
  }
}
