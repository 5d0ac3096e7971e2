/** The engine as the measurements open it: Node's codecs, a store in memory, more memory than is needed. */
import { createNodeEnvironment } from "../../test/support/node-environment.ts";
import { SeededRandom } from "../../test/support/seeded-random.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { Environment } from "../../state-engine/environment.ts";
import { MemoryBlobStore, SharedMemoryPool, StateEngine } from "../../state-engine/index.ts";
import { int64Addition } from "../../state-engine/index.ts";
import type { EngineTuning, PersistedState } from "../../state-engine/index.ts";
import { BATCH_ENTRIES, COUNT_STATE, KEY_BYTES, KEY_GROUPS, VALUE_BYTES } from "./workload.ts";
import type { Workload } from "./workload.ts";

export const MIB = 1024 * 1024;

export interface WeirOptions {
  readonly memoryBytes?: number;
  readonly tuning?: Partial<EngineTuning>;
  readonly blobStore?: BlobStore;
  readonly from?: Pick<PersistedState, "tables" | "sequence">;
  /** Of what it writes. Another one where the store holds what an engine before it wrote: ids are seeded. */
  readonly folder?: string;
}

export function weirEnvironment(memoryBytes: number): Environment {
  const memory = new SharedMemoryPool(memoryBytes);
  return createNodeEnvironment({ now: () => Date.now(), random: new SeededRandom(4), memory });
}

export function openWeir(options: WeirOptions = {}): StateEngine {
  const environment = weirEnvironment(options.memoryBytes ?? 1024 * MIB);
  return StateEngine.open({
    environment,
    blobStore: options.blobStore ?? new MemoryBlobStore(environment),
    keyGroups: KEY_GROUPS,
    tables: options.from?.tables ?? [],
    sequence: options.from?.sequence ?? 0,
    mergeOperators: new Map([[COUNT_STATE, int64Addition]]),
    uploads: {
      nextPath: () => `${options.folder ?? "tables"}/${environment.newId()}`,
      note: () => undefined,
    },
    tuning: options.tuning ?? {},
  });
}

/** Puts entries `from` to `to` (excluded). */
export function putEntries(
  engine: StateEngine,
  workload: Workload,
  from: number,
  to: number,
): void {
  const { keys, values } = workload;
  for (let index = from; index < to; index++) {
    const at = workload.valueOffset(index);
    engine.put(keys, index * KEY_BYTES, KEY_BYTES, values, at, VALUE_BYTES);
  }
}

/** Puts everything in batches; after each, as a task does, the background work that is due. */
export async function putAll(engine: StateEngine, workload: Workload): Promise<void> {
  for (let from = 0; from < workload.entries; from += BATCH_ENTRIES) {
    const room = engine.admit(BATCH_ENTRIES * (KEY_BYTES + VALUE_BYTES));
    if (room !== undefined) await room;
    putEntries(engine, workload, from, Math.min(from + BATCH_ENTRIES, workload.entries));
    await engine.maintain();
  }
}

/** Everything written is in tables, these are in the store, and no compaction is due. */
export async function settle(engine: StateEngine): Promise<PersistedState> {
  while (await engine.maintain()) {
    // Each call is one slice.
  }
  const persisted = await engine.persist(engine.freeze(), {
    mode: "incremental",
    inlineLimitBytes: 0,
  });
  engine.confirm(persisted);
  while (await engine.maintain()) {
    // The last flush may make a compaction due.
  }
  return persisted;
}
