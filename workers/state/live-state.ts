/**
 * Live reads: each goes to the partition that owns the key group in the current generation.
 *
 * Promise: how the job is laid out is remembered per isolate, and read again as soon as a partition
 * says that it does not own what it was asked for [20].
 */
import type { Topology } from "../../durable-objects/coordinator-queries.ts";
import type { ReadRequest, ScanRequest } from "../../durable-objects/messages.ts";
import type { ReachableJob } from "../http/routing.ts";
import type { StateReads } from "./state-reads.ts";

/** Plain data only: a promise would belong to the request that made it. */
export class TopologyCache {
  readonly #byJob = new Map<string, Topology>();

  async get({ graph, peers }: ReachableJob): Promise<Topology> {
    const known = this.#byJob.get(graph.name);
    if (known !== undefined) return known;
    const read = await peers.coordinator().topology();
    const newest = this.#byJob.get(graph.name);
    if (newest !== undefined && newest.generation > read.generation) return newest;
    this.#byJob.set(graph.name, read);
    return read;
  }

  forget(job: string): void {
    this.#byJob.delete(job);
  }
}

export async function liveState(
  topologies: TopologyCache,
  job: ReachableJob,
  vertex: string,
): Promise<StateReads> {
  const topology = await topologies.get(job);
  const partition = (index: number) => job.peers.partition({ vertex, index });
  return {
    maxParallelism: topology.maxParallelism,
    parallelism: topology.parallelism[vertex] ?? job.graph.options.parallelism,
    read: (index, request: ReadRequest) => partition(index).readState(request),
    scan: (index, request: ScanRequest) => partition(index).scanState(request),
  };
}
