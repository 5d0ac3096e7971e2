/**
 * What the state routes read from: the live partitions or a checkpoint. Both answer one partition at
 * a time, in the words of the partitions' own calls.
 */
import { keyedStatesOf } from "../../dataflow/keyed/keyed-states.ts";
import type { KeyedState } from "../../dataflow/keyed/keyed-states.ts";
import type { JobGraph, KeyedVertex } from "../../dataflow/job-graph.ts";
import type {
  ReadAnswer,
  ReadRequest,
  ScanAnswer,
  ScanRequest,
} from "../../durable-objects/messages.ts";
import { notFound } from "../http/problem.ts";

export interface StateReads {
  readonly maxParallelism: number;
  /** Partitions of the vertex at the point that is read. */
  readonly parallelism: number;
  read(partition: number, request: ReadRequest): Promise<ReadAnswer>;
  scan(partition: number, request: ScanRequest): Promise<ScanAnswer>;
}

/** Before anything was processed. */
export function emptyState({ options }: JobGraph): StateReads {
  return {
    maxParallelism: options.maxParallelism,
    parallelism: 1,
    read: () => Promise.resolve({ kind: "missing" }),
    scan: () => Promise.resolve({ kind: "page", entries: [] }),
  };
}

export interface NamedState {
  readonly vertex: KeyedVertex;
  readonly state: KeyedState;
}

export function statesOf(graph: JobGraph): readonly NamedState[] {
  return graph.vertices.flatMap((vertex) =>
    keyedStatesOf(vertex).map((state) => ({ vertex, state })),
  );
}

/** Throws the 404 of the contract. */
export function findState(graph: JobGraph, name: string): NamedState {
  const states = statesOf(graph);
  const found = states.find(({ state }) => state.name === name);
  if (found !== undefined) return found;
  const known = states.map(({ state }) => state.name).join(", ") || "none";
  throw notFound("No such state", `Job "${graph.name}" has no state "${name}". It has: ${known}.`);
}
