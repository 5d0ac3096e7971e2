/**
 * The calls between partitions of keyed vertices that feed each other: part of messages.ts, plain data
 * like everything there. "Sender" is the partition records come from, "receiver" the one they go to.
 */
import type { ChannelFence, CheckpointMode, Fence, TaskId } from "./messages.ts";

/**
 * Where a channel between two partitions stands: `index` frames after the barrier of checkpoint
 * `barrier` [1, 24]. A restored partition stands at (restored checkpoint, 0) on all of them.
 */
export interface VertexPosition {
  readonly barrier: number;
  readonly index: number;
}

export interface OpenVertexChannel {
  readonly generation: number;
  readonly sender: TaskId;
  /** Of the sender: an older one than the receiver knows has been replaced. */
  readonly senderAttempt: number;
  /** The checkpoint that attempt restored. */
  readonly restored: number;
  /** Checkpoints up to this one are completed or given up, as the coordinator told the sender. */
  readonly decided: number;
}

/** What a receiver says of a channel on opening, or when the sender's idea of it is wrong. */
export interface VertexChannelState extends ChannelFence {
  /** The next frame it takes. */
  readonly position: VertexPosition;
  /** Bytes the sender may have under way at once. */
  readonly creditBytes: number;
}

/** Everything in-band on such a channel. */
export interface VertexItem extends ChannelFence {
  readonly sender: TaskId;
  /** A frame's own number; for everything else that of the next frame. */
  readonly position: VertexPosition;
  /** Event time behind the item [13]; -Infinity while unknown. */
  readonly watermark: number;
  /** The sender does not hold event time back, until its next frame [28]. */
  readonly isIdle: boolean;
}

/** Records, or a mark without any: a mark has no position of its own, needs no credit and only says what time it is [30]. */
export interface VertexFrame extends VertexItem {
  /** The sender has applied again all it had before its last loss of memory [20]. */
  readonly hasCaughtUp: boolean;
  /** Of a mark: how many this attempt of the sender has sent over the channel, with it. 0 for records. */
  readonly markNumber: number;
  /** Largest arrival time behind the records [15]. */
  readonly arrivalTime: number;
  /** dataflow/frame.ts or record-frame.ts; at most 256 KiB, unless one record is larger. Own buffer. Empty for a mark. */
  readonly bytes: Uint8Array;
}

export interface VertexBarrier extends VertexItem {
  readonly checkpoint: number;
  /** The last completed checkpoint [7]. */
  readonly base: number;
  readonly mode: CheckpointMode;
  /** As in Barrier. */
  readonly alignmentTimeoutMs?: number;
}

export type VertexChannelAnswer =
  /** Frame applied, or known before. Barrier: acknowledgement accepted, or checkpoint given up. */
  | { readonly kind: "done"; readonly creditBytes: number }
  /** Nothing was taken: go on from `channel.position`. */
  | { readonly kind: "reposition"; readonly channel: VertexChannelState }
  /** The receiver is restoring, or the call is of an older attempt or session: open the channel after the delay. */
  | { readonly kind: "notReady"; readonly retryAfterMs: number }
  /** The sender's generation, or its attempt, is over: attach again. */
  | { readonly kind: "staleGeneration"; readonly generation: number };

export type OpenVertexChannelAnswer =
  | { readonly kind: "open"; readonly channel: VertexChannelState }
  | Exclude<VertexChannelAnswer, { kind: "done" | "reposition" }>;

/** The receiver has restored: its channel must be opened anew. Answered at once, by whoever is awake to hear it. */
export interface VertexRewind extends Fence {
  readonly receiver: TaskId;
}
export type VertexRewindAnswer =
  | { readonly kind: "heard" }
  | { readonly kind: "notReady"; readonly retryAfterMs: number }
  | { readonly kind: "staleGeneration"; readonly generation: number };

export interface VertexChannelCalls {
  openVertexChannel(request: OpenVertexChannel): Promise<OpenVertexChannelAnswer>;
  vertexFrame(frame: VertexFrame): Promise<VertexChannelAnswer>;
  /** Stays open until the acknowledgement is accepted or the checkpoint is given up [22]. */
  vertexBarrier(barrier: VertexBarrier): Promise<VertexChannelAnswer>;
  rewindVertexChannel(request: VertexRewind): Promise<VertexRewindAnswer>;
}

/**
 * What a channel carried since the last completed checkpoint is lost with the memory of one of its
 * ends: all tasks of the job must go back to that checkpoint together [6].
 */
export interface RollbackRequest extends Fence {
  readonly task: TaskId;
  readonly reason: string;
}
/** The generation that holds now. Unchanged when the request came from a task that is over itself [24]. */
export interface RollbackAnswer {
  readonly generation: number;
}
