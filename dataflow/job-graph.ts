/**
 * What a job is once it has been built: plain data plus the user's functions. Everything else in
 * dataflow/ interprets it; nothing changes it.
 */

import type { KeyType } from "../state-engine/state/key-codec.ts";
import type { JobOptions } from "./job-options.ts";

export type { CheckpointOptions, JobOptions, RestartOptions } from "./job-options.ts";

export interface JobGraph {
  /** 1 to 64 of `a-z0-9-`, beginning with a letter: it stands in URLs and object names. */
  readonly name: string;
  readonly options: JobOptions;
  readonly source: SourceVertex;
  /** In topological order. */
  readonly vertices: readonly KeyedVertex[];
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
