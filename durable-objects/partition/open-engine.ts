/** Opens the state engine of one attempt at the tables its checkpoint has. */
import { mergeOperatorsOf } from "../../dataflow/keyed/keyed-states.ts";
import type { KeyedVertex } from "../../dataflow/job-graph.ts";
import { StateEngine } from "../../state-engine/index.ts";
import type { ObjectContext } from "../object-context.ts";
import type { Attached } from "./attach.ts";
import type { AttemptUploads } from "./attempt-uploads.ts";
import type { OperationCounter } from "./operation-counter.ts";

export function openEngine(
  attempt: {
    readonly context: Pick<ObjectContext, "environment">;
    readonly counter: Pick<OperationCounter, "blobStore">;
    readonly vertex: KeyedVertex;
    readonly attached: Pick<Attached, "keyGroups" | "restored">;
  },
  uploads: AttemptUploads["ofTables"],
): StateEngine {
  const { context, counter, vertex, attached } = attempt;
  const { keyGroups, restored } = attached;
  return StateEngine.open({
    environment: context.environment,
    blobStore: counter.blobStore,
    keyGroups,
    tables: restored.tables,
    sequence: restored.sequence,
    mergeOperators: mergeOperatorsOf(vertex),
    uploads,
  });
}
