/**
 * What a job is once it has been built: plain data plus the user's functions. Everything else in
 * dataflow/ interprets it; nothing changes it.
 */

import type { KeyType } from "../state-engine/state/key-codec.ts";
import type { Feed } from "./feeds/feed.ts";
import type { JobOptions } from "./job-options.ts";
import type { AnyKeyedOperator } from "./operators/keyed-operator.ts";
import type { OutputTag } from "./operators/output-tag.ts";
import type { SinkDefinition } from "./sinks/sink-definition.ts";
import type { WatermarkStrategy } from "./time/watermark-strategy.ts";

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
  /** Where the log's lines come from; absent: from clients, who POST them. feedsOf() reads it. */
  readonly feeds?: readonly Feed[];
  /** The operators every record passes first, in order, between the log and `ends`. */
  readonly chain: readonly Transform[];
  /** Where records go after `chain`: a tree of further operators that ends in edges. */
  readonly ends: readonly Consumer[];
  /** The generators of watermarks in the chain, in the order in which their state is kept [13]. */
  readonly watermarks: readonly WatermarkStrategy<unknown>[];
}

/** One stateless operator. Must be a pure function of the record [5]. */
export type Transform =
  | { readonly kind: "map"; readonly apply: (record: unknown) => unknown }
  | { readonly kind: "filter"; readonly apply: (record: unknown) => boolean }
  | { readonly kind: "flatMap"; readonly apply: (record: unknown) => Iterable<unknown> }
  /** Like flatMap, and may send records to side outputs. */
  | {
      readonly kind: "process";
      readonly apply: (record: unknown, context: ChainContext) => Iterable<unknown> | void;
    }
  /** Gives records their event time. `generator` is an index into SourceVertex.watermarks. */
  | { readonly kind: "assignTimestamps"; readonly generator: number };

/** What a stateless function may know and do besides its record. */
export interface ChainContext {
  /** Event time, ms since the epoch; undefined before timestamps are assigned. */
  readonly timestamp: number | undefined;
  /** Where the record stands in the log; undefined after a keyed operator. */
  readonly place: LogPlace | undefined;
  sideOutput<T>(tag: OutputTag<T>, value: T): void;
}

export interface LogPlace {
  readonly source: number;
  readonly line: number;
}

/** What takes records: another operator, an input of a vertex, an output of the job. */
export type Consumer =
  | {
      readonly kind: "transform";
      readonly transform: Transform;
      readonly next: readonly Consumer[];
      /** Side outputs somebody listens to, by tag. */
      readonly sides: Readonly<Record<string, readonly Consumer[]>>;
    }
  | Edge
  | Sink;

/** Records go on to the input `input` of the keyed vertex `vertex`. */
export interface Edge {
  readonly kind: "edge";
  readonly vertex: string;
  readonly input: number;
  /** "hash": to the owner of the key. "broadcast": to every partition. "spread": evenly, by line. */
  readonly partitioning: "hash" | "broadcast" | "spread";
  /** Of a "hash" edge. */
  readonly key?: (record: unknown) => unknown;
}

/** Records are results of the job under this name. */
export interface Sink {
  readonly kind: "sink";
  readonly name: string;
  /** Where committed results go besides the feed. */
  readonly definition?: SinkDefinition;
}

export interface KeyedVertex {
  /** The uid its state is matched by across deploys: the first string the user gave to the stateful operator. */
  readonly uid: string;
  /** The key of a record of input 0. */
  readonly key: (record: unknown) => unknown;
  /** How keys are stored. The types of the user's functions are gone when the job runs. */
  readonly keyType: KeyType;
  readonly operator: VertexOperator;
  /** Where its results go. */
  readonly results: readonly Consumer[];
  /** Side outputs somebody listens to, by tag. */
  readonly sides: Readonly<Record<string, readonly Consumer[]>>;
}

/** What a keyed vertex does with its records. */
export type VertexOperator =
  /** A count whose updates nobody follows: merge operands, combined before they travel, read nothing. */
  | { readonly kind: "count"; readonly state: string }
  /** Everything else: one record after the other through the logic of `definition`. */
  | { readonly kind: "operator"; readonly definition: OperatorDefinition };

/** A keyed operator, the types of its records forgotten. */
export type OperatorDefinition = Omit<AnyKeyedOperator, "types">;

/** The operator's name as users wrote it, such as "reduce". */
export function operatorName(operator: VertexOperator): string {
  return operator.kind === "count" ? "count" : operator.definition.kind;
}
