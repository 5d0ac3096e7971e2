/**
 * The job graph as plain JSON data: nodes and edges that others can draw, store and compare across
 * deploys. It leaves out the user's functions.
 */
import type { JobGraph, JobOptions } from "./job-graph.ts";

export interface JobDescription {
  readonly name: string;
  readonly options: JobOptions;
  /** In topological order, the source first. */
  readonly nodes: readonly NodeDescription[];
  readonly edges: readonly EdgeDescription[];
}

export interface NodeDescription {
  /** "lines()" for the source (no uid looks like it), else the uid. */
  readonly id: string;
  readonly kind: "source" | "keyed";
  /** Operators that run together in this node, in order. */
  readonly operators: readonly string[];
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** Name of the keyed state, if the node has one. */
  readonly state?: string;
  readonly keyType?: string;
}

export interface EdgeDescription {
  readonly from: string;
  readonly to: string;
  readonly partitioning: "hash";
}

export function describeJobGraph(graph: JobGraph): JobDescription {
  const { options } = graph;
  const source: NodeDescription = {
    id: "lines()",
    kind: "source",
    operators: ["lines", ...graph.source.chain.map((transform) => transform.kind)],
    parallelism: options.sources,
    maxParallelism: options.sources,
  };
  const keyed = graph.vertices.map((vertex): NodeDescription => ({
    id: vertex.uid,
    kind: "keyed",
    operators: [vertex.operator.kind],
    parallelism: options.parallelism,
    maxParallelism: options.maxParallelism,
    state: vertex.operator.state,
    keyType: vertex.keyType,
  }));
  return {
    name: graph.name,
    options,
    nodes: [source, ...keyed],
    edges: keyed.map((node) => ({ from: source.id, to: node.id, partitioning: "hash" })),
  };
}
