/**
 * Every call that crosses from one Durable Object to another, and nothing else. Plain data only:
 * structured clone carries it. Each answer is bounded by 4 MiB.
 *
 * Rules in brackets are those of docs/protocol.md.
 */
import type { JsonEntry } from "../dataflow/keyed/stored-entry.ts";
import type { KeyGroupRange } from "../state-engine/version/table-reference.ts";
import type {
  AcknowledgeAnswer,
  Acknowledgement,
  CheckpointDecline,
  OperationCounts,
  PartitionState,
} from "./checkpoint-messages.ts";
import type { CoordinatorQueries } from "./coordinator-queries.ts";
import type { GivenUpLine } from "./given-up-line.ts";
import type { RollbackAnswer, RollbackRequest, VertexChannelCalls } from "./vertex-messages.ts";

export * from "./checkpoint-messages.ts";

/** One task of a job: partition `index` of the keyed vertex `vertex` (its uid). */
export interface TaskId {
  readonly vertex: string;
  readonly index: number;
}

/** The furthest point a source channel has applied: record `record` of line `line` is the next one [1]. */
export interface Position {
  readonly line: number;
  readonly record: number;
}

/** Says who is talking: the generation the sender acts in, and the attempt it believes the receiver to be [3, 6]. */
export interface Fence {
  readonly generation: number;
  readonly attempt: number;
}

/**
 * Says over which opening of a channel a call goes. The receiver counts openings, in memory only:
 * what was sent over an earlier one, by whatever lifetime of the sender, does not count any more.
 */
export interface ChannelFence extends Fence {
  readonly session: number;
}

// ---------------------------------------------------------------- Worker → Source

export interface AppendRequest {
  /** Absent: an anonymous request, whose retry may add its lines twice. */
  readonly producer?: { readonly id: string; readonly sequence: number };
  /** Number of this segment's first line within the request, from 0. */
  readonly fromLine: number;
  /** Lines in `bytes`. 0 only together with `last`. */
  readonly lines: number;
  /** UTF-8 lines joined by "\n", without empty lines, without a line end after the last. At most 1 MiB. */
  readonly bytes: Uint8Array;
  /** The request ends with this segment: its sequence closes [11]. */
  readonly last: boolean;
}

export type AppendAnswer =
  /** Durable. `added` lines of this segment are new; the others were in from an earlier attempt. */
  | { readonly kind: "appended"; readonly added: number }
  /** The sequence was closed before: nothing added. */
  | { readonly kind: "duplicate" }
  | { readonly kind: "sequenceGap"; readonly expectedSequence: number }
  /** Lines of this request are missing before `fromLine`: send again from `linesIn`. */
  | { readonly kind: "lineGap"; readonly linesIn: number }
  | { readonly kind: "full"; readonly retryAfterSeconds: number }
  | {
      readonly kind: "unavailable";
      readonly status: JobStatus;
      readonly retryAfterSeconds: number;
    };

/** Messages of a queue, as one delivery brings them. */
export interface AppendMessagesRequest {
  readonly queue: string;
  readonly messages: readonly DeliveredMessage[];
}
export interface DeliveredMessage {
  /** The same in every delivery. */
  readonly id: string;
  /** When it was sent, the same in every delivery: ms since the epoch. */
  readonly sentAt: number;
  /** UTF-8, one or more lines. */
  readonly text: Uint8Array;
}
export type AppendMessagesAnswer =
  /** Durable, now or from an earlier delivery; but not those whose ids are in `refused`, which never will be. */
  | { readonly kind: "appended"; readonly added: number; readonly refused: readonly string[] }
  | Extract<AppendAnswer, { kind: "full" | "unavailable" }>;

// ---------------------------------------------------------------- Source ↔ Partition

export interface SourceFrame extends ChannelFence {
  readonly source: number;
  /** Records from `from` up to, not including, `to`. */
  readonly from: Position;
  readonly to: Position;
  /**
   * A pending barrier this frame comes after, absent when there is none: the receiver answers its
   * position instead of applying the frame when it has not delivered that barrier yet. The call that
   * carries a barrier may be lost on its own, and what follows it must not slip in before it [2].
   */
  readonly afterBarrier?: number;
  /** Event-time watermark after `to` [13]; -Infinity while unknown. */
  readonly watermark: number;
  /** Largest arrival time of a line in the frame, milliseconds since the epoch [15]. */
  readonly arrivalTime: number;
  /** The source is silent and does not hold event time back, until its next frame [28]. Such a frame is empty. */
  readonly isIdle?: boolean;
  /** dataflow/frame.ts or record-frame.ts; at most 256 KiB, unless one record is larger. Own buffer, never a view of a larger one. */
  readonly bytes: Uint8Array;
}

export interface Barrier extends ChannelFence {
  readonly source: number;
  readonly checkpoint: number;
  /** The last completed checkpoint: everything the receiver keeps for later ones hangs on it [7]. 0 when there is none. */
  readonly base: number;
  /** The line this barrier stands at: the receiver's position must be (offset, 0) [2]. */
  readonly offset: number;
  readonly watermark: number;
  readonly mode: CheckpointMode;
  /** How long the barrier may wait its turn behind frames before it overtakes them; absent: for ever. */
  readonly alignmentTimeoutMs?: number;
}

/** What a receiver says of a channel whenever the sender's idea of it is wrong, or on opening. */
export interface ChannelState extends ChannelFence {
  readonly position: Position;
  /** The last barrier this channel delivered, 0 when none: it is not delivered twice. */
  readonly lastBarrier: number;
  /** Bytes the sender may have under way at once on this channel. */
  readonly creditBytes: number;
}

export type ChannelAnswer =
  /** Frame applied, or wholly known before and dropped. Barrier: acknowledgement accepted by the coordinator, or checkpoint given up. */
  | { readonly kind: "done"; readonly creditBytes: number }
  /** Nothing was applied: cut anew from `channel.position`. */
  | { readonly kind: "reposition"; readonly channel: ChannelState }
  /** The receiver is restoring, or the call is of an older attempt or session: ask with openChannel after the delay. */
  | { readonly kind: "notReady"; readonly retryAfterMs: number }
  /** The sender's generation is older than the receiver's: attach again. */
  | { readonly kind: "staleGeneration"; readonly generation: number };

export type OpenChannelAnswer =
  | { readonly kind: "open"; readonly channel: ChannelState }
  | Exclude<ChannelAnswer, { kind: "done" | "reposition" }>;

/** The receiver has restored. Where it stands is asked with openChannel, by whoever is awake to hear it [1]. */
export interface RewindRequest extends Fence {
  readonly task: TaskId;
}
export type RewindAnswer =
  /** `furthest` is the line up to which this channel was ever cut: live reads wait until it is reached again [20]. */
  | { readonly kind: "rewound"; readonly furthest: Position }
  | { readonly kind: "notReady"; readonly retryAfterMs: number }
  | { readonly kind: "staleGeneration"; readonly generation: number };

// ---------------------------------------------------------------- Task → Coordinator

export type JobStatus = "RUNNING" | "RESTARTING" | "STOPPED" | "FAILED" | "FINISHED";
export type CheckpointMode = "incremental" | "full";

export interface AttachSourceRequest {
  readonly source: number;
  readonly codeVersion: string;
}
export type AttachSourceAnswer =
  | {
      readonly kind: "attached";
      readonly generation: number;
      readonly status: JobStatus;
      /** Parallelism of every vertex this source feeds, by uid. */
      readonly parallelism: Readonly<Record<string, number>>;
      /** Where the latest completed checkpoint (or the start of the job) stands in this source's log. */
      readonly restored: SourceState;
      readonly completed: number;
      /** The log is needed from this line on. */
      readonly truncateBefore: number;
      readonly intervalMs: number;
      /** Lines from the restored offset on that this generation leaves out, in order [42]. */
      readonly givenUp: readonly GivenUpLine[];
    }
  /** The job is waiting for all tasks to run one code version, or for its restart delay: try again. */
  | { readonly kind: "wait"; readonly retryAfterMs: number; readonly status: JobStatus };

/** A source's part of a checkpoint. Line numbers count from 0 over the whole life of the log. */
export interface SourceState {
  readonly source: number;
  /** Lines before this one are in the checkpoint. */
  readonly offset: number;
  /** State of the watermark generator at that line, as the generator encodes it [13]; null when the job has none. */
  readonly watermark: string | null;
}

export interface AttachPartitionRequest {
  readonly task: TaskId;
  readonly codeVersion: string;
}
export type AttachPartitionAnswer =
  | {
      readonly kind: "attached";
      readonly generation: number;
      /** New with every attach; older attempts of this task are refused from now on [3]. */
      readonly attempt: number;
      /** The checkpoint to restore: the last completed one, 0 for an empty start. */
      readonly checkpoint: number;
      /** Checkpoints up to this one are completed or given up: their barriers mean nothing any more [22]. */
      readonly decided: number;
      readonly restored: PartitionState;
      /** Per source, where its channel stands in that checkpoint. */
      readonly sources: readonly SourceState[];
      readonly keyGroups: KeyGroupRange;
      readonly parallelism: Readonly<Record<string, number>>;
      /** Objects this task noted and the coordinator knows: they are the coordinator's to delete, not the task's. */
      readonly knownUploads: readonly string[];
      /** Begins every path this task writes; ends with "/" [4]. */
      readonly pathPrefix: string;
      /** R2 binding of the bucket that all of it is in; absent: "BUCKET". A task deployed with another asks again [12]. */
      readonly bucket?: string;
    }
  | { readonly kind: "wait"; readonly retryAfterMs: number; readonly status: JobStatus };

export interface TaskChange extends Fence {
  readonly task: TaskId;
  /** Wants a checkpoint whatever the interval. */
  readonly isUrgent?: boolean;
}

export interface TaskFailure {
  readonly task: TaskId | { readonly source: number };
  readonly generation: number;
  readonly attempt?: number;
  readonly error: { readonly name: string; readonly message: string; readonly stack?: string };
  /** Where in the log the failing record stands, when known. `line` is that very line, never a guess [42]. */
  readonly source?: number;
  readonly line?: number;
  /** Of the function that threw, and the key of its record as JSON, as far as they are known. */
  readonly operator?: string;
  readonly key?: string;
  /** No restart would help: the job ends FAILED at once. */
  readonly isFinal?: boolean;
}

export interface SourceReport {
  readonly source: number;
  readonly generation: number;
  /** Lines ever accepted; lines cut into frames for every channel; first line kept. */
  readonly accepted: number;
  readonly processed: number;
  readonly firstKept: number;
  readonly bytesKept: number;
  readonly operations: OperationCounts;
  /** How far its feeds are, for people; absent for a job without any. */
  readonly feeds?: readonly FeedProgress[];
  /** Every feed of the job has ended on this source: no line will come any more. */
  readonly hasEnded?: boolean;
}
export type FeedProgress = Readonly<Record<string, string | number | boolean | null>>;

// ---------------------------------------------------------------- Coordinator → Task

export interface CheckpointTrigger {
  readonly generation: number;
  readonly checkpoint: number;
  readonly base: number;
  readonly mode: CheckpointMode;
  /** As in Barrier. */
  readonly alignmentTimeoutMs?: number;
  /** Event time ends with it: its barriers carry the final watermark. */
  readonly endsTime?: boolean;
}
export type TriggerAnswer =
  /** The offset is durable and will not change; barriers are on their way [2]. */
  | { readonly kind: "triggered"; readonly state: SourceState; readonly report: SourceReport }
  | { readonly kind: "notReady"; readonly retryAfterMs: number };

/** Told after the pointer moved. Sources truncate, partitions forget what only mattered before [7, 22]. */
export interface CheckpointCompleted {
  readonly generation: number;
  readonly checkpoint: number;
  /** For sources: this source's offset in the checkpoint, and the first line to keep. */
  readonly offset?: number;
  readonly truncateBefore?: number;
}

export interface SourceCalls {
  append(request: AppendRequest): Promise<AppendAnswer>;
  /** Takes messages of a queue that the job reads; those it has are not added again. */
  appendMessages(request: AppendMessagesRequest): Promise<AppendMessagesAnswer>;
  /** A partition has restored: its channel must be opened anew. */
  rewind(request: RewindRequest): Promise<RewindAnswer>;
  triggerCheckpoint(trigger: CheckpointTrigger): Promise<TriggerAnswer>;
  abortCheckpoint(request: { generation: number; checkpoint: number }): Promise<void>;
  completeCheckpoint(request: CheckpointCompleted): Promise<void>;
  /** There is a newer generation or status: attach again. Answers at once [23]. */
  enter(request: { generation: number; status: JobStatus }): Promise<void>;
  /** Answers when every channel was cut up to `line`, or after `timeoutMs`. */
  awaitProcessed(request: { line: number; timeoutMs: number }): Promise<SourceReport>;
}

export interface PartitionCalls extends VertexChannelCalls {
  openChannel(request: { source: number; generation: number }): Promise<OpenChannelAnswer>;
  frame(frame: SourceFrame): Promise<ChannelAnswer>;
  /** Stays open until the acknowledgement is accepted or the checkpoint is given up [22]. */
  barrier(barrier: Barrier): Promise<ChannelAnswer>;
  abortCheckpoint(request: { generation: number; checkpoint: number }): Promise<void>;
  completeCheckpoint(request: CheckpointCompleted): Promise<void>;
  enter(request: { generation: number; status: JobStatus }): Promise<void>;
  readState(request: ReadRequest): Promise<ReadAnswer>;
  scanState(request: ScanRequest): Promise<ScanAnswer>;
  /** Results as they are computed. Wakes the partition; only for somebody who watches. */
  awaitResults(request: ResultsRequest): Promise<ResultsAnswer>;
  /** Uploads this task noted and no acknowledgement has named yet [10]. */
  notedUploads(): Promise<readonly string[]>;
}

export type ChangeReason = "input" | "silent" | "halfFull" | "feeds";

export interface CoordinatorCalls extends CoordinatorQueries {
  attachSource(request: AttachSourceRequest): Promise<AttachSourceAnswer>;
  attachPartition(request: AttachPartitionRequest): Promise<AttachPartitionAnswer>;
  acknowledge(acknowledgement: Acknowledgement): Promise<AcknowledgeAnswer>;
  declineCheckpoint(decline: CheckpointDecline): Promise<void>;
  /**
   * The log of this source holds lines no completed checkpoint covers (first such line), fell silent, or
   * is half full; or one of its feeds ended or fell into trouble.
   */
  sourceChanged(request: { report: SourceReport; reason: ChangeReason }): Promise<void>;
  /** A partition changed without input, such as by a processing-time timer: it wants a checkpoint [26]. */
  taskChanged(change: TaskChange): Promise<void>;
  fail(failure: TaskFailure): Promise<void>;
  /** Raises the generation, if the request comes from the present attempt of a task [6, 24]. */
  requestRollback(request: RollbackRequest): Promise<RollbackAnswer>;
}

// ---------------------------------------------------------------- Worker → Partition: live reads

export interface ReadRequest {
  readonly state: string;
  readonly keyGroup: number;
  /** Encoded by the key's codec. */
  readonly key: Uint8Array;
}
export type ReadAnswer =
  /** The value as JSON text. */
  | { readonly kind: "found"; readonly json: string }
  | { readonly kind: "missing" }
  /** A list, a map or windows of more than 4 MiB of JSON: scanState reads them a page at a time [41]. */
  | { readonly kind: "tooLarge" }
  /** Catching up after a wake-up [20]. */
  | { readonly kind: "notReady"; readonly retryAfterSeconds: number }
  /** The key group belongs to another partition now: read the topology again [20]. */
  | { readonly kind: "notOwner" }
  | { readonly kind: "unknownState" };

export interface ResultsRequest {
  /** `next` of the answer before; absent: from now on. */
  readonly after?: string;
  readonly waitMs: number;
}
export interface ResultsAnswer {
  /** JSON objects, as in committed output. Not committed yet, and perhaps computed again. */
  readonly results: readonly string[];
  /** Results that came and went between the two calls. */
  readonly skipped: number;
  readonly next: string;
}

export interface ScanRequest {
  readonly state: string;
  /** UTF-8 prefix of the key; "" for all. */
  readonly prefix: string;
  readonly limit: number;
  /** Where the previous page ended, as it said; absent for the first. */
  readonly cursor?: string;
  /** "key": by key group, then key. "valueDescending": numeric states only, ties by key. */
  readonly order: "key" | "valueDescending";
  /** Only what this key holds: entries of its map, windows, elements of its list; in their order. */
  readonly only?: { readonly keyGroup: number; readonly key: Uint8Array };
}
export type ScanAnswer =
  | { readonly kind: "page"; readonly entries: readonly StateEntry[]; readonly next?: string }
  | Exclude<ReadAnswer, { kind: "found" | "missing" | "tooLarge" }>
  | { readonly kind: "notNumeric" };

export type StateEntry = JsonEntry;
