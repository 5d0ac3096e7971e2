/**
 * Where one source channel stands: the point up to which it is applied, the point up to which it is
 * queued, and how far the source ever was. Decides about frames and barriers; moves
 * nothing by itself.
 *
 * Promise: a frame is accepted only if it begins where the queue ends [1], so that accepted frames
 * are a gapless run of records whatever the sender lost, repeats or reorders.
 */
import type { Barrier, Position, SourceFrame, SourceState } from "../messages.ts";

/** "known": everything in it was accepted before. "apart": it leaves a gap or overlaps. */
export type FrameVerdict = "next" | "known" | "apart";

export class SourceChannel {
  readonly source: number;
  /** How often the channel was opened in this attempt: calls of an earlier session are refused. */
  session = 0;
  /** The next record to be applied. */
  position: Position;
  /** The next record to be queued: what the sender is measured against and told. */
  queuedTo: Position;
  /** The newest barrier queued; 0 when none. */
  lastBarrier: number;
  /** The furthest this channel was ever cut, as its source says; undefined until it did [20]. */
  furthest: Position | undefined;

  /** As the checkpoint has it. */
  constructor(restored: SourceState, checkpoint: number) {
    this.lastBarrier = checkpoint;
    this.source = restored.source;
    this.position = { line: restored.offset, record: 0 };
    this.queuedTo = this.position;
  }

  /** Whether everything that was in before the last loss of memory is in again [20]. */
  get hasCaughtUp(): boolean {
    return this.furthest !== undefined && comparePositions(this.position, this.furthest) >= 0;
  }

  judgeFrame(frame: Pick<SourceFrame, "from" | "to" | "isIdle">): FrameVerdict {
    // An idle mark has no length.
    if (frame.isIdle === true && comparePositions(frame.from, this.queuedTo) === 0) return "next";
    if (comparePositions(frame.to, this.queuedTo) <= 0) return "known";
    return comparePositions(frame.from, this.queuedTo) === 0 ? "next" : "apart";
  }

  /** A barrier stands at the very beginning of its line [2]. */
  judgeBarrier(barrier: Pick<Barrier, "checkpoint" | "offset">): FrameVerdict {
    if (barrier.checkpoint <= this.lastBarrier) return "known";
    const place = { line: barrier.offset, record: 0 };
    return comparePositions(place, this.queuedTo) === 0 ? "next" : "apart";
  }
}

/** Negative when `left` comes first. */
function comparePositions(left: Position, right: Position): number {
  return left.line - right.line || left.record - right.record;
}
