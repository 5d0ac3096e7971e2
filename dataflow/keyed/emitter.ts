/**
 * Where the results of a keyed vertex leave it, after the stateless operators behind it. A partition
 * implements it: outputs of the job are held until a checkpoint commits them, edges lead to channels.
 */
import type { Edge } from "../job-graph.ts";

export interface Emitter {
  /** A result for the output `name`. */
  append(name: string, record: unknown): void;
  /** The newest result of `key` for the output `name`: it replaces the one before in the same checkpoint [39]. */
  upsert(name: string, key: unknown, value: unknown): void;
  /** A record for the next keyed vertex. */
  forward(edge: Edge, record: unknown, timestamp: number | undefined): void;
}
