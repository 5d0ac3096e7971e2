/**
 * What a partition tells the coordinator of a checkpoint: part of messages.ts, plain data like
 * everything there. Rules in brackets are those of docs/protocol.md.
 */
import type { InFlightReference } from "../state-engine/manifest/manifest.ts";
import type { TableReference } from "../state-engine/version/table-reference.ts";
import type { Fence, TaskId } from "./messages.ts";

/** A partition's part of a checkpoint. */
export interface PartitionState {
  readonly tables: readonly TableReference[];
  /** Watermark per channel at the barrier: by source index, or by the sender's vertex/index; absent while unknown or idle [13, 28]. */
  readonly watermarks: Readonly<Record<string, number>>;
  /** Event time the operator has reached, which is never behind the least of `watermarks`; absent while unknown. */
  readonly watermark?: number;
  /** Largest arrival time applied: the time that TTL and processing-time windows go by [15]. */
  readonly time: number;
  /** Sequence number of the last write. */
  readonly sequence: number;
  /** Frames its barrier overtook: they come first after a restore. Absent when there were none. */
  readonly inFlight?: InFlightReference;
}

export interface Acknowledgement extends Fence {
  readonly task: TaskId;
  readonly checkpoint: number;
  readonly base: number;
  /** Absent: nothing changed since `base`, the list there still holds. */
  readonly state?: PartitionState;
  /** Objects this task wrote for the tables it lists, or noted and no longer needs. */
  readonly uploads: readonly Upload[];
  /** Output of every barrier interval after `base` [7]; empty for a vertex without a sink. */
  readonly output: readonly OutputInterval[];
  readonly metrics: AcknowledgementMetrics;
}
export interface Upload {
  readonly path: string;
  readonly size: number;
}
/** Inline output of one acknowledgement, over all its intervals: more goes into an object. */
export const largestInlineOutputBytes = 1024 * 1024;

/** Objects named here belong to the coordinator once it has answered; they are not named in `uploads`. */
export interface OutputInterval {
  readonly checkpoint: number;
  readonly records: number;
  /** NDJSON, each line an object with at least one member, or the object that holds it. */
  readonly data: { readonly inline: Uint8Array } | { readonly path: string; readonly size: number };
}
export interface AcknowledgementMetrics {
  /** Milliseconds the task stood still (freeze), worked aside (flush, upload), held a channel, and waited for the first barrier. */
  readonly syncDurationMs: number;
  readonly asyncDurationMs: number;
  readonly alignmentDurationMs: number;
  readonly startDelayMs: number;
  /** Bytes of frames applied between the first barrier and the freeze; absent: 0. */
  readonly processedBytes?: number;
  /** Bytes of in-flight frames in the checkpoint; absent: 0. */
  readonly persistedBytes?: number;
  /** The barrier overtook frames; absent: it did not. */
  readonly isUnaligned?: boolean;
  /** Bytes uploaded for this checkpoint, inline ones included. */
  readonly uploadedBytes: number;
  /** Since the task's previous acknowledgement. */
  readonly operations: OperationCounts;
  readonly recordsIn: number;
  readonly recordsOut: number;
}

/** Billed operations, counted where they happen. */
export interface OperationCounts {
  /** R2 put and list. */
  readonly classA: number;
  /** R2 get and head. */
  readonly classB: number;
  readonly rowsWritten: number;
  /** Calls to other Durable Objects. */
  readonly requests: number;
  /** Of sinks: what a queue bills for messages sent, and the reading and deleting of each. Absent: none. */
  readonly queueOperations?: number;
  /** Of sinks: requests over HTTP, which the platform does not bill. Absent: none. */
  readonly subrequests?: number;
}

/**
 * Whatever it is, the uploads are the coordinator's to delete from now on [37]. "refused": the checkpoint does not
 * count any more. "restore": the attempt or its generation does not, and the task must attach anew.
 */
export type AcknowledgeAnswer = { readonly kind: "accepted" | "refused" | "restore" };

/** Why a task cannot take part in a checkpoint, by Flink's names. */
export type DeclineReason = "IO_EXCEPTION" | "CHECKPOINT_ASYNC_EXCEPTION";

/** The task will not acknowledge this checkpoint, and says so at once instead of letting it expire. */
export interface CheckpointDecline extends Fence {
  readonly task: TaskId;
  readonly checkpoint: number;
  readonly reason: DeclineReason;
  readonly message: string;
}
