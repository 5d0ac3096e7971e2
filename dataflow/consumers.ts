/** Walks over the operators, edges and outputs that records reach. */
import type { Consumer, Edge, JobGraph, Sink } from "./job-graph.ts";
import type { SinkDefinition } from "./sinks/sink-definition.ts";

/** Everything that records reach from `consumers`, each once, in the order in which it was written. */
export function reachable(consumers: readonly Consumer[]): ReadonlySet<Consumer> {
  const found = new Set<Consumer>();
  const visit = (consumer: Consumer): void => {
    if (found.has(consumer)) return;
    found.add(consumer);
    if (consumer.kind !== "transform") return;
    consumer.next.forEach(visit);
    Object.values(consumer.sides).flat().forEach(visit);
  };
  consumers.forEach(visit);
  return found;
}

export function edgesIn(consumers: readonly Consumer[]): readonly Edge[] {
  return [...reachable(consumers)].filter((consumer) => consumer.kind === "edge");
}

export function sinksIn(consumers: readonly Consumer[]): readonly Sink[] {
  return [...reachable(consumers)].filter((consumer) => consumer.kind === "sink");
}

/** The sinks of a job besides the feed, in the order of its vertices. */
export function sinkDefinitions({
  vertices,
}: Pick<JobGraph, "vertices">): readonly SinkDefinition[] {
  const ends = vertices.flatMap(({ results, sides }) => [
    ...results,
    ...Object.values(sides).flat(),
  ]);
  return sinksIn(ends).flatMap(({ definition }) => definition ?? []);
}
