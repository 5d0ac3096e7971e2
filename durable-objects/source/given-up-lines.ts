/**
 * Leaves out lines that were given up: instead of running one through the job's operators, it sends
 * the dead letter in the line's place [42].
 *
 * Promise: in a generation that gives a line up, nothing of it reaches any vertex, however often it is
 * replayed, and its dead letter reaches exactly one channel, at the line's own position.
 */
import { writeDeadLetter } from "../../dataflow/dead-letter.ts";
import type { GivenUpLine } from "../given-up-line.ts";
import type { TaskId } from "../messages.ts";
import type { Batch, CutRequest } from "./batch.ts";
import type { LineCutter } from "./line-cutter.ts";
import { lineStart } from "./position.ts";
import { lineOf } from "./segment-text.ts";
import type { WatermarkPositions } from "./watermark-positions.ts";

export interface GivenUpLinesOptions {
  readonly cutter: LineCutter;
  readonly source: number;
  /** In order of their lines. */
  readonly lines: readonly GivenUpLine[];
  /** The vertex whose partitions take turns with dead letters, and their number. */
  readonly vertex: string;
  readonly parallelism: number;
  /** Absent for a job without watermarks. */
  readonly positions: WatermarkPositions | undefined;
}

export class GivenUpLines implements LineCutter {
  readonly #options: GivenUpLinesOptions;

  constructor(options: GivenUpLinesOptions) {
    this.#options = options;
  }

  cut(request: CutRequest): Batch & { readonly watermark?: number } {
    const { cutter, lines } = this.#options;
    const next = lines.find(({ line }) => line >= request.from.line);
    if (next === undefined || next.line >= request.toLine) return cutter.cut(request);
    if (next.line > request.from.line) return cutter.cut({ ...request, toLine: next.line });
    return this.#leaveOut(next, request);
  }

  #leaveOut(givenUp: GivenUpLine, { segments, tasks }: CutRequest): Batch {
    const { line, error, operator, key, attempts } = givenUp;
    const { source, vertex, parallelism } = this.#options;
    const segment = segments.find(({ firstLine, lines }) => line < firstLine + lines)!;
    const { arrivalTime } = segment;
    const to = lineStart(line + 1);
    const watermark = this.#passWatermark(line);
    const task: TaskId = { vertex, index: line % parallelism };
    const isWanted = tasks.some((one) => one.vertex === task.vertex && one.index === task.index);
    const text = lineOf(segment, line);
    const letter = { source, line, text, error, operator, key, attempts };
    const frame = { task, to, bytes: writeDeadLetter(letter), arrivalTime, ...watermark };
    return { to, arrivalTime, ...watermark, frames: isWanted ? [frame] : [] };
  }

  /** The line moves no event time. */
  #passWatermark(line: number): { readonly watermark?: number } {
    const { positions } = this.#options;
    if (positions === undefined) return {};
    const progress = positions.open(line);
    positions.keep(line + 1, progress);
    return { watermark: Math.min(...progress.map(({ watermark }) => watermark)) };
  }
}
