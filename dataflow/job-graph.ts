/**
 * What a job is once it has been built: plain data plus the user's functions. Everything else in
 * dataflow/ interprets it; nothing changes it.
 */

import type { KeyType } from "../state-engine/state/key-codec.ts";

export interface JobGraph {
  /** 1 to 64 of `a-z0-9-`, beginning with a letter: it stands in URLs and object names. */
  readonly name: string;
  readonly options: JobOptions;
  readonly source: SourceVertex;
  /** In topological order. */
  readonly vertices: readonly KeyedVertex[];
}

export interface JobOptions {
  /** Partitions of every keyed vertex. 1 to maxParallelism. */
  readonly parallelism: number;
  /** Key groups, for ever (fixed while the job has state). 1 to 32,768. */
  readonly maxParallelism: number;
  /** Source objects (fixed while the job has state or a log) [12]. */
  readonly sources: number;
  /** Bytes of log one source keeps before it answers 429. */
  readonly logLimitBytes: number;
  readonly checkpoint: CheckpointOptions;
  readonly restart: RestartOptions;
}

export interface CheckpointOptions {
  /** 0: only on request. */
  readonly intervalMs: number;
  readonly mode: "incremental" | "full";
  readonly minPauseMs: number;
  readonly timeoutMs: number;
  /** Completed checkpoints kept. At least 1. */
  readonly retained: number;
  /** Consecutive failed checkpoints before the job restarts; 0: the first one does. */
  readonly tolerableFailures: number;
  /** Prefix of every object of the job in the bucket; "" or ends with "/". */
  readonly storagePrefix: string;
}

/** Flink's exponential-delay restart strategy and its parameters. */
export interface RestartOptions {
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly backoffMultiplier: number;
  readonly jitterFactor: number;
  /** A job that ran this long without failing starts over at initialBackoffMs. */
  readonly resetBackoffThresholdMs: number;
  /** Failures in a row at one record, or restarts in a row without a completed checkpoint, before the job ends FAILED. */
  readonly attempts: number;
}

export interface SourceVertex {
  /** The chain of stateless operators between the log and the channels, in order. */
  readonly chain: readonly Transform[];
}

/** One stateless operator. Must be a pure function of the record [5]. */
export type Transform =
  | { readonly kind: "map"; readonly apply: (record: unknown) => unknown }
  | { readonly kind: "filter"; readonly apply: (record: unknown) => boolean }
  | { readonly kind: "flatMap"; readonly apply: (record: unknown) => Iterable<unknown> };

export interface KeyedVertex {
  /** The uid its state is matched by across deploys: the first string the user gave to the stateful operator. */
  readonly uid: string;
  readonly key: (record: unknown) => unknown;
  /** How keys are stored. The types of the user's functions are gone when the job runs. */
  readonly keyType: KeyType;
  readonly operator: KeyedOperator;
}

/** What a keyed vertex does with a record. Grows with the vocabulary; every kind names its state. */
export type KeyedOperator = { readonly kind: "count"; readonly state: string };
