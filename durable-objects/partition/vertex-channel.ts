/**
 * Where the channel from one partition of a feeding vertex stands. Decides about openings, frames and
 * barriers; moves nothing by itself.
 *
 * Promise: accepted frames are a gapless run of what one lineage of the sender emitted behind the
 * checkpoint this attempt restored. When the sender begins again although something of its earlier
 * attempt was taken since then, the channel says so instead of taking anything twice [6, 24].
 */
import type { TaskId } from "../messages.ts";
import type { OpenVertexChannel, VertexBarrier, VertexPosition } from "../vertex-messages.ts";
import type { FrameVerdict } from "./source-channel.ts";
import { behindBarrier, compareVertexPositions, nextFrame } from "./vertex-position.ts";

/** "replaced": a newer attempt of the sender is known. "lost": only a rollback of both ends helps. */
export type OpeningVerdict = "open" | "replaced" | "lost";

/** No frame was taken in this attempt. */
const NONE = -1;

export class VertexChannel {
  readonly sender: TaskId;
  /** In a checkpoint, and within its partition. */
  readonly name: string;
  /** How often it was opened in this attempt: calls of an earlier session are refused. */
  session = 0;
  /** The sender has applied again all it had before its last loss of memory [20]. */
  hasCaughtUp = false;
  #senderAttempt: number | undefined;
  #queuedTo: VertexPosition;
  /** The newest mark of the sender's attempt. */
  #newestMark = 0;
  /** The barrier behind which the newest frame was taken. */
  #newestFrameBehind = NONE;

  constructor(sender: TaskId, restored: number) {
    this.sender = sender;
    this.name = `${sender.vertex}/${sender.index}`;
    this.#queuedTo = behindBarrier(restored);
  }

  /** The next frame to be queued: what the sender is measured against and told. */
  get queuedTo(): VertexPosition {
    return this.#queuedTo;
  }

  /** A frame was taken behind the barrier of `checkpoint`. */
  hasFramesBehind(checkpoint: number): boolean {
    return this.#newestFrameBehind >= checkpoint;
  }

  is({ vertex, index }: TaskId): boolean {
    return this.sender.vertex === vertex && this.sender.index === index;
  }

  open({ senderAttempt, restored, decided }: Omit<OpenVertexChannel, "sender">): OpeningVerdict {
    const known = this.#senderAttempt;
    if (known !== undefined && senderAttempt < known) return "replaced";
    if (known !== undefined && senderAttempt > known) {
      // The barrier of a checkpoint that may still complete: the new attempt may not emit before it.
      const isBehindPending = this.#queuedTo.barrier > Math.max(restored, decided);
      if (this.hasFramesBehind(restored) || isBehindPending) return "lost";
      this.#queuedTo = behindBarrier(restored);
      this.hasCaughtUp = false;
    }
    if (senderAttempt !== known) this.#newestMark = 0;
    this.#senderAttempt = senderAttempt;
    this.session += 1;
    return "open";
  }

  judgeFrame(position: VertexPosition): FrameVerdict {
    const order = compareVertexPositions(position, this.#queuedTo);
    if (order < 0) return "known";
    return order === 0 ? "next" : "apart";
  }

  judgeBarrier({
    checkpoint,
    position,
  }: Pick<VertexBarrier, "checkpoint" | "position">): FrameVerdict {
    if (checkpoint <= this.#queuedTo.barrier) return "known";
    return compareVertexPositions(position, this.#queuedTo) === 0 ? "next" : "apart";
  }

  takeFrame(): void {
    this.#newestFrameBehind = this.#queuedTo.barrier;
    this.#queuedTo = nextFrame(this.#queuedTo);
  }

  /** False for one that is delivered again: what it says may be over [1]. */
  takeMark(number: number): boolean {
    if (number <= this.#newestMark) return false;
    this.#newestMark = number;
    return true;
  }

  takeBarrier(checkpoint: number): void {
    this.#queuedTo = behindBarrier(checkpoint);
  }
}
