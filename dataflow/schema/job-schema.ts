/** What a job's manifests record of its keyed states: plain data, from the declarations alone. */
import type { StateSchema, VertexSchema } from "../../state-engine/manifest/state-schema.ts";
import type { JobGraph, KeyedVertex } from "../job-graph.ts";
import { storedNameOf } from "../state-ids.ts";
import type { StateDescriptor } from "../state/state-descriptor.ts";

export function jobSchemaOf(job: JobGraph): readonly VertexSchema[] {
  return job.vertices.map(vertexSchemaOf);
}

/** Its states are in the order of their declaration. */
export function vertexSchemaOf(vertex: KeyedVertex): VertexSchema {
  return { vertex: vertex.uid, keyType: vertex.keyType, states: statesOf(vertex) };
}

/** A count is stored the same whether or not somebody follows it. */
function statesOf({ operator }: KeyedVertex): readonly StateSchema[] {
  if (operator.kind === "count") return [{ name: operator.state, kind: "count", codec: "int64" }];
  const { definition } = operator;
  if (definition.kind !== "count") return definition.states.map(stateSchemaOf);
  return definition.states.map((state) => ({ ...stateSchemaOf(state), kind: "count" }));
}

function stateSchemaOf(state: StateDescriptor): StateSchema {
  const { codec, keyType, kind, ttl } = state;
  return {
    name: storedNameOf(state),
    kind,
    codec: codec.schema ?? codec.name,
    ...(keyType !== undefined && { keyType }),
    ...(ttl !== undefined && { ttl: ttl.time ?? "processing" }),
  };
}
