/** What one attempt of a partition is given when it begins. */
import type { InFlightFrame } from "../../dataflow/in-flight-frames.ts";
import type { JobGraph, KeyedVertex } from "../../dataflow/job-graph.ts";
import type { SourceFrame, TaskId } from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import type { Attached } from "./attach.ts";
import type { LiveResults } from "./live-results.ts";
import type { OperationCounter } from "./operation-counter.ts";
import type { UploadNotes } from "./schema.ts";

export interface LiveOptions {
  readonly context: ObjectContext;
  readonly job: JobGraph;
  readonly vertex: KeyedVertex;
  readonly task: TaskId;
  readonly notes: UploadNotes;
  readonly counter: OperationCounter;
  /** Who is told of results as they are computed. */
  readonly results: LiveResults;
  readonly attached: Attached;
  /** Frames the restored checkpoint holds beside its state: they come first. */
  readonly inFlight: readonly InFlightFrame[];
  /** Checkpoints up to this one are known to be aborted or over. */
  readonly decided: number;
  /** Something threw: this attempt must be dropped. `frame` is the one being applied. */
  readonly failed: (error: unknown, frame?: SourceFrame) => void;
  /** This attempt must be dropped, by nobody's fault. */
  readonly overtaken: (generation: number) => void;
}
