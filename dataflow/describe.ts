/**
 * The job graph as plain JSON data: nodes and edges that others can draw, store and compare across
 * deploys. It leaves out the user's functions.
 */
import type { Feed } from "./feeds/feed.ts";
import { operatorName } from "./job-graph.ts";
import type { Consumer, JobGraph, JobOptions, KeyedVertex } from "./job-graph.ts";
import type { SinkDefinition } from "./sinks/sink-definition.ts";
import { edgesIn, reachable, sinksIn } from "./consumers.ts";

export interface JobDescription {
  readonly name: string;
  readonly options: JobOptions;
  /** In topological order, the source first. */
  readonly nodes: readonly NodeDescription[];
  readonly edges: readonly EdgeDescription[];
}

export interface NodeDescription {
  /** "lines()" for the source, the name and "()" for an output, else the uid, which never looks like them. */
  readonly id: string;
  readonly kind: "source" | "keyed" | "output";
  /** Operators that run together in this node, in order. */
  readonly operators: readonly string[];
  readonly parallelism: number;
  readonly maxParallelism: number;
  /** Name of the state of a plain count. */
  readonly state?: string;
  readonly keyType?: string;
  /** Of an output that is delivered somewhere besides the feed: where and how. Secrets are named, never shown. */
  readonly sink?: SinkDefinition;
  /** Where the lines come from; absent: from clients alone. */
  readonly feeds?: readonly FeedDescription[];
}

/** A feed without its functions. */
export interface FeedDescription {
  readonly kind: Feed["kind"];
  readonly name: string;
  readonly [option: string]: string | number;
}

export interface EdgeDescription {
  readonly from: string;
  readonly to: string;
  /** Which input of a keyed operator: 1 for the second stream of a join or connect. Absent to an output. */
  readonly input?: number;
  /** "forward": within the partition. */
  readonly partitioning: "hash" | "broadcast" | "spread" | "forward";
}

export function describeJobGraph(graph: JobGraph): JobDescription {
  const { options, source, vertices } = graph;
  const lines: NodeDescription = {
    id: "lines()",
    kind: "source",
    operators: [
      "lines",
      ...source.chain.map((transform) => transform.kind),
      ...operatorsIn(source.ends),
    ],
    parallelism: options.sources,
    maxParallelism: options.sources,
    ...(source.feeds !== undefined && { feeds: source.feeds.map(describeFeed) }),
  };
  const keyed = vertices.map((vertex): NodeDescription => ({
    id: vertex.uid,
    kind: "keyed",
    operators: [operatorName(vertex.operator), ...operatorsIn(endsOf(vertex))],
    parallelism: options.parallelism,
    maxParallelism: options.maxParallelism,
    ...(vertex.operator.kind === "count" && { state: vertex.operator.state }),
    keyType: vertex.keyType,
  }));
  const ends = vertices.flatMap((vertex) =>
    sinksIn(endsOf(vertex)).map((sink) => ({ vertex, sink })),
  );
  const sinks = ends.map(({ sink }): NodeDescription => ({
    id: `${sink.name}()`,
    kind: "output",
    operators: [sink.definition === undefined ? "output" : "sinkTo"],
    parallelism: options.parallelism,
    maxParallelism: options.maxParallelism,
    ...(sink.definition !== undefined && { sink: sink.definition }),
  }));
  const deadLetters = deadLetterNodes(options);
  return {
    name: graph.name,
    options,
    nodes: [lines, ...keyed, ...sinks, ...deadLetters],
    edges: [
      ...edgesFrom(lines.id, source.ends),
      ...vertices.flatMap((vertex) => edgesFrom(vertex.uid, endsOf(vertex))),
      ...ends.map(({ vertex, sink }): EdgeDescription => ({
        from: vertex.uid,
        to: `${sink.name}()`,
        partitioning: "forward",
      })),
      ...deadLetters.map(({ id }): EdgeDescription => ({
        from: lines.id,
        to: id,
        partitioning: "spread",
      })),
    ],
  };
}

/** The output of option deadLetter: lines that were given up reach it past all operators. */
function deadLetterNodes({
  deadLetter,
  parallelism,
  maxParallelism,
}: JobOptions): readonly NodeDescription[] {
  if (deadLetter === null) return [];
  const id = `${deadLetter.output}()`;
  return [{ id, kind: "output", operators: ["deadLetter"], parallelism, maxParallelism }];
}

function edgesFrom(id: string, consumers: readonly Consumer[]): readonly EdgeDescription[] {
  return edgesIn(consumers).map(({ vertex, input, partitioning }) => ({
    from: id,
    to: vertex,
    input,
    partitioning,
  }));
}

function describeFeed(feed: Feed): FeedDescription {
  const plain = Object.entries(feed).filter(
    ([, value]) => typeof value === "string" || typeof value === "number",
  );
  return Object.fromEntries(plain) as unknown as FeedDescription;
}

function endsOf({ results, sides }: KeyedVertex): readonly Consumer[] {
  return [results, ...Object.values(sides)].flat();
}

/** The stateless operators of a tree, each once. */
function operatorsIn(consumers: readonly Consumer[]): readonly string[] {
  return [...reachable(consumers)].flatMap((consumer) =>
    consumer.kind === "transform" ? [consumer.transform.kind] : [],
  );
}
