/** Walks over the operators, edges and outputs that records reach. */
import type { Consumer, Edge, Sink } from "./job-graph.ts";

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
