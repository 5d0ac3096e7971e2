/** The list of a job's states: names, kinds, and sizes as of the latest completed checkpoint. */
import type { JsonObject } from "../../durable-objects/coordinator-queries.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { ReachableJob } from "../http/routing.ts";
import { statesOf } from "./state-reads.ts";

export async function describeStates(
  { graph }: ReachableJob,
  _blobStore: BlobStore,
): Promise<JsonObject> {
  const states = statesOf(graph).map(({ vertex, state }) => ({
    name: state.name,
    vertex: vertex.uid,
    kind: vertex.operator.kind,
    key_type: state.keyType,
    value_type: state.valueType,
  }));
  return { states };
}
