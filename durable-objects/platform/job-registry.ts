/**
 * The jobs one Worker was built with, by name, with the options this run overrides.
 *
 * Promise: the Worker and every Durable Object of one deployment see the same graphs.
 */
import type { JobGraph, JobOptions } from "../../dataflow/job-graph.ts";
import { resolveJobOptions } from "../../dataflow/options.ts";
import { checkFeeds } from "../check-feeds.ts";
import type { WeirBindings } from "./bindings.ts";

export class JobRegistry {
  readonly #graphs: ReadonlyMap<string, JobGraph>;

  /** Throws when two jobs have one name, or feed others as they may not. */
  constructor(graphs: readonly JobGraph[]) {
    const byName = new Map<string, JobGraph>();
    for (const graph of graphs) {
      if (byName.has(graph.name)) {
        throw new Error(`Two jobs are called "${graph.name}": give one of them another name.`);
      }
      byName.set(graph.name, graph);
    }
    checkFeeds(byName);
    this.#graphs = byName;
  }

  get names(): readonly string[] {
    return [...this.#graphs.keys()];
  }

  find(name: string, bindings: WeirBindings): JobGraph | undefined {
    const graph = this.#graphs.get(name);
    return graph && { ...graph, options: withOverrides(graph, bindings) };
  }

  /** For an object of the job: its absence is an error of the deployment. */
  get(name: string, bindings: WeirBindings): JobGraph {
    const graph = this.find(name, bindings);
    if (graph !== undefined) return graph;
    throw new Error(
      `This Worker has no job "${name}", but an object of that job was reached: ` +
        `deploy the job again, or delete its objects.`,
    );
  }
}

/** Throws when an override is outside the option's range. */
function withOverrides({ name, options }: JobGraph, bindings: WeirBindings): JobOptions {
  const intervalMs = wholeNumber(bindings, "WEIR_CHECKPOINT_INTERVAL_MS");
  const parallelism = wholeNumber(bindings, "WEIR_PARALLELISM");
  const sources = wholeNumber(bindings, "WEIR_SOURCES");
  const logLimitBytes = wholeNumber(bindings, "WEIR_LOG_LIMIT_BYTES");
  return resolveJobOptions(name, {
    ...options,
    ...(parallelism !== undefined && { parallelism }),
    ...(sources !== undefined && { sources }),
    ...(logLimitBytes !== undefined && { logLimitBytes }),
    checkpoint: { ...options.checkpoint, ...(intervalMs !== undefined && { intervalMs }) },
  });
}

type Override =
  | "WEIR_CHECKPOINT_INTERVAL_MS"
  | "WEIR_PARALLELISM"
  | "WEIR_SOURCES"
  | "WEIR_LOG_LIMIT_BYTES";

function wholeNumber(bindings: WeirBindings, name: Override): number | undefined {
  const text = bindings[name];
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new Error(`The variable ${name} is ${JSON.stringify(text)}: write a whole number.`);
}
