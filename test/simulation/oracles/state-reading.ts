/**
 * The states of a job in a checkpoint, as texts: every entry of every table that a partition lists, read
 * by a state engine of its own from the bucket as it is at this instant, without faults.
 */
import type { JobGraph } from "../../../dataflow/job-graph.ts";
import { type KeyedState, mergeOperatorsOf } from "../../../dataflow/keyed/keyed-states.ts";
import { aliveValue, keyToJson, valueToJson } from "../../../dataflow/keyed/stored-entry.ts";
import { readInFlight } from "../../../durable-objects/partition/in-flight.ts";
import type { InFlightReference } from "../../../state-engine/manifest/manifest.ts";
import type { BlobStore } from "../../../state-engine/blob-store/blob-store.ts";
import type { Environment } from "../../../state-engine/environment.ts";
import {
  type MergeOperator,
  type PartitionTables,
  StateEngine,
} from "../../../state-engine/index.ts";
import { createNodeEnvironment } from "../../support/node-environment.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import type { States } from "../jobs/simulated-job.ts";
import { singleStatesOf } from "../single-states.ts";
import type { World } from "../world.ts";

/** Key group and state id. */
const HEADER_BYTES = 4;

interface ReadableVertex {
  readonly states: ReadonlyMap<number, KeyedState>;
  readonly mergeOperators: ReadonlyMap<number, MergeOperator>;
}

export class StateReading {
  readonly #environment: Environment;
  readonly #blobStore: BlobStore;
  readonly #vertices: ReadonlyMap<string, ReadableVertex>;

  constructor(world: World, graph: JobGraph) {
    const now = (): number => world.scheduler.now();
    this.#environment = createNodeEnvironment({ now, random: new SeededRandom(0) });
    this.#blobStore = readerOf(world);
    this.#vertices = new Map(
      graph.vertices.map((vertex) => [
        vertex.uid,
        {
          states: new Map(singleStatesOf(vertex).map((state) => [state.id, state])),
          mergeOperators: mergeOperatorsOf(vertex),
        },
      ]),
    );
  }

  /** Throws when a table is missing or damaged, or when two partitions hold the same key. */
  async read(partitions: readonly PartitionTables[]): Promise<States> {
    const found = new Map<string, Map<string, string>>();
    for (const partition of partitions) await this.#readPartition(partition, found);
    return found;
  }

  /** Frames that a barrier overtook, without those that hold no record. */
  async readInFlight(inFlight: InFlightReference): Promise<readonly Uint8Array[]> {
    const frames = await readInFlight(inFlight, this.#blobStore, this.#environment);
    return frames.map(({ bytes }) => bytes).filter(({ length }) => length > 0);
  }

  async #readPartition(
    partition: PartitionTables,
    into: Map<string, Map<string, string>>,
  ): Promise<void> {
    const vertex = this.#vertices.get(partition.vertex);
    if (vertex === undefined) throw new Error(`The job has no vertex ${partition.vertex}.`);
    const engine = StateEngine.open({
      environment: this.#environment,
      blobStore: this.#blobStore,
      keyGroups: partition.keyGroups,
      tables: partition.tables,
      sequence: partition.sequence,
      mergeOperators: vertex.mergeOperators,
      uploads: { nextPath: () => "oracle", note: refuse },
    });
    let start: Uint8Array | undefined;
    do {
      const page = await engine.scan(start === undefined ? {} : { start });
      for (const { key, value } of page.entries) addEntry(vertex, { key, value }, into);
      start = page.next !== undefined && "start" in page.next ? page.next.start : undefined;
    } while (start !== undefined);
    engine.close();
  }
}

function addEntry(
  { states }: ReadableVertex,
  { key, value }: { readonly key: Uint8Array; readonly value: Uint8Array },
  into: Map<string, Map<string, string>>,
): void {
  const state = states.get((key[2]! << 8) | key[3]!);
  if (state === undefined) return;
  const entries = into.get(state.name) ?? new Map<string, string>();
  into.set(state.name, entries);
  const text = keyToJson(state.keyType, key.subarray(HEADER_BYTES));
  if (entries.has(text)) throw new Error(`Two partitions hold ${text} of "${state.name}".`);
  // Oracles know of no time by which a value would have expired.
  const alive = aliveValue(state, value, { processing: -Infinity, event: -Infinity })!;
  entries.set(text, valueToJson(state, alive));
}

function readerOf({ bucket }: World): BlobStore {
  return {
    get: (path) => Promise.resolve(bucket.read(path)),
    getRange: (path, offset, length) => Promise.resolve(bucket.readRange(path, offset, length)),
    put: refuse,
    list: refuse,
    delete: refuse,
  };
}

function refuse(): never {
  throw new Error("An oracle changes nothing.");
}
