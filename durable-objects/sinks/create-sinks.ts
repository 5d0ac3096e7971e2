/** The sinks of a job, ready to commit: what its graph defines, in the surroundings of its coordinator. */
import { sinkDefinitions } from "../../dataflow/consumers.ts";
import type { JobGraph } from "../../dataflow/job-graph.ts";
import type { SinkDefinition } from "../../dataflow/sinks/sink-definition.ts";
import type { ExternalSink } from "../coordinator/commits.ts";
import { QueueSink } from "./queue-sink.ts";
import { R2FilesSink } from "./r2-files-sink.ts";
import type { SinkSurroundings } from "./sink-surroundings.ts";
import { WebhookSink } from "./webhook-sink.ts";
import { WeirJobSink } from "./weir-job-sink.ts";

export function createSinks(
  job: Pick<JobGraph, "vertices">,
  surroundings: SinkSurroundings,
): readonly ExternalSink[] {
  return sinkDefinitions(job).map((definition) => createSink(definition, surroundings));
}

function createSink(definition: SinkDefinition, surroundings: SinkSurroundings): ExternalSink {
  switch (definition.kind) {
    case "r2Files":
      return new R2FilesSink(definition, surroundings);
    case "queue":
      return new QueueSink(definition, surroundings);
    case "webhook":
      return new WebhookSink(definition, surroundings);
    case "weirJob":
      return new WeirJobSink(definition, surroundings);
  }
}
