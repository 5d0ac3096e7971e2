/** The states of a vertex with one value per key: what oracles compare. Lists, maps and windows show in output. */
import { keyedStatesOf, type KeyedState } from "../../dataflow/keyed/keyed-states.ts";
import type { KeyedVertex } from "../../dataflow/job-graph.ts";

const singleKinds: ReadonlySet<string> = new Set(["count", "value", "reducing", "aggregating"]);

export function singleStatesOf(vertex: KeyedVertex): readonly KeyedState[] {
  return keyedStatesOf(vertex).filter(({ kind }) => singleKinds.has(kind));
}
