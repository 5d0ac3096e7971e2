/**
 * What the Worker asks the coordinator. Monitoring is answered from the coordinator's own SQLite and
 * wakes no other object [43]. The shapes of the HTTP answers follow Flink's REST names and are built
 * by the coordinator, so that the Worker only passes them on.
 */
import type { CheckpointMode, JobStatus } from "./messages.ts";
import type { TableReference } from "../state-engine/version/table-reference.ts";

export interface CoordinatorQueries {
  /** How to reach state: parallelism by vertex uid in the current generation. */
  topology(): Promise<Topology>;
  status(): Promise<{ status: JobStatus }>;
  /** `GET /jobs/{job}` as in the contract. */
  describeJob(): Promise<JsonObject>;
  exceptions(): Promise<JsonObject>;
  /** Covers every line accepted, and every change a task reported, before the call [25, 26]. `waitMs` at most 60,000. */
  requestCheckpoint(request: {
    mode?: CheckpointMode;
    waitMs: number;
  }): Promise<RequestedCheckpoint>;
  checkpointStatistics(): Promise<JsonObject>;
  checkpointConfiguration(): Promise<JsonObject>;
  checkpointDetail(id: number): Promise<JsonObject | undefined>;
  checkpointSubtasks(request: { id: number; vertex: string }): Promise<JsonObject | undefined>;
  /** Where the manifest of a completed checkpoint is; "gone" once it is no longer retained. */
  locateCheckpoint(id: number): Promise<LocatedCheckpoint>;
  /** The tables of every partition of one vertex at a retained checkpoint, for reads that touch no partition. */
  cost(): Promise<JsonObject>;
  /** Where committed output is, in commit order: from the beginning, after a checkpoint, or from a place on. */
  readOutput(request: OutputRequest): Promise<CommittedOutput>;
  /** Id of the latest completed checkpoint, 0 when there is none. */
  latestCheckpoint(): Promise<number>;
  /** Commits after the checkpoint `after`, at once or as soon as there is one; empty after `waitMs` (at most 60,000). */
  awaitCommits(request: { after: number; waitMs: number }): Promise<readonly OutputCommit[]>;
  stop(request: StopRequest): Promise<StopAnswer>;
  start(request: StartRequest): Promise<StartAnswer>;
  /** Deletes what nobody knows and was written at least `minimumAgeMs` (default 24 hours) ago [10]. */
  scanOrphans(request: { minimumAgeMs?: number }): Promise<OrphanScan>;
}

export type LocatedCheckpoint =
  | { readonly kind: "found"; readonly path: string }
  | { readonly kind: "gone" }
  | { readonly kind: "unknown" }
  /** No object of the job is where the deployed job would look: why, and what to do [12c]. */
  | { readonly kind: "elsewhere"; readonly reason: string };

export interface Topology {
  readonly status: JobStatus;
  readonly generation: number;
  readonly maxParallelism: number;
  readonly parallelism: Readonly<Record<string, number>>;
  readonly sources: number;
}

export type RequestedCheckpoint =
  | { readonly kind: "completed"; readonly detail: JsonObject }
  | { readonly kind: "pending"; readonly requestId: string }
  | {
      readonly kind: "unavailable";
      readonly status: JobStatus;
      readonly retryAfterSeconds: number;
    };

export interface OutputRequest {
  readonly after?: number;
  /** `segment` of the row `row`, as an earlier answer named them. */
  readonly from?: { readonly row: number; readonly segment: number };
}

export type CommittedOutput =
  /** `isEnd`: nothing more is committed. */
  | {
      readonly kind: "segments";
      readonly segments: readonly OutputSegment[];
      readonly isEnd: boolean;
      /** Nothing is at the segments' paths in the bucket of the deployed job: why, and what to do [12c]. */
      readonly elsewhere?: string;
    }
  /** What was asked for was kept no longer; `before`: the last checkpoint of which something is gone. */
  | { readonly kind: "gone"; readonly before: number };

/** Results one task committed with one checkpoint, or the mark that the job went back. Never changes. */
export type OutputSegment = {
  readonly row: number;
  readonly segment: number;
  readonly checkpoint: number;
} & (
  | {
      readonly kind: "results";
      /** Bytes of NDJSON, here or in an object. */
      readonly size: number;
      readonly data: { readonly inline: Uint8Array } | { readonly path: string };
    }
  /** Results after this repeat what was committed from `to` to `from` [18]. */
  | { readonly kind: "rewound"; readonly from: number; readonly to: number }
);

export interface OutputCommit {
  readonly checkpoint: number;
  readonly records: number;
  readonly committedAt: number;
}

export interface StopRequest {
  /** Waits until every line accepted before is in the final checkpoint. */
  readonly drain: boolean;
  readonly savepoint: boolean;
  /** At once and without a final checkpoint, whatever the job's status (Flink's cancel). */
  readonly cancel?: boolean;
  /** What becomes of the checkpoints of a cancelled job; absent: as its options say. */
  readonly checkpoints?: "retain" | "delete";
}

export type OrphanScan =
  | {
      readonly kind: "scanned";
      readonly listed: number;
      /** Marked for deletion, and their bytes. */
      readonly orphans: number;
      readonly orphanBytes: number;
      /** Unknown but too young; unknown and no object of a task. Both stay. */
      readonly young: number;
      readonly foreign: number;
    }
  /** Something could not be asked or read: nothing was deleted. */
  | { readonly kind: "givenUp"; readonly reason: string };

export interface StartRequest {
  readonly from:
    | "latest"
    | "empty"
    | { readonly checkpoint: number }
    | { readonly savepoint: string };
  readonly parallelism?: number;
  readonly acceptLoss?: boolean;
  readonly allowNonRestoredState?: boolean;
}
export type StartAnswer =
  | { readonly kind: "started"; readonly generation: number }
  /** The log begins after the point to start from: lines that would be missing, by source [38]. */
  | {
      readonly kind: "gap";
      readonly sources: readonly { source: number; from: number; firstKept: number }[];
    }
  | { readonly kind: "refused"; readonly reason: string };
export type StopAnswer =
  | { readonly kind: "stopped"; readonly checkpoint: number }
  | { readonly kind: "refused"; readonly reason: string };

/** The tables of one partition inside a manifest, as planned by the coordinator and read by everyone else. */
export interface PartitionTables {
  readonly vertex: string;
  readonly index: number;
  readonly tables: readonly TableReference[];
}

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: JsonValue;
}
