/**
 * An engine with tiny blocks and memtables over a store in memory, so that every boundary is met.
 */
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Environment } from "../../state-engine/environment.ts";
import {
  MemoryBlobStore,
  SharedMemoryPool,
  StateEngine,
  int64Addition,
} from "../../state-engine/index.ts";
import type {
  EngineOptions,
  EngineTuning,
  MergeOperator,
  PersistedState,
} from "../../state-engine/index.ts";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";

export const PLAIN_STATE = 1;
export const COUNT_STATE = 2;
/** Lists of elements that expire one by one: eight bytes of deadline, one of value. */
export const LIST_STATE = 3;
export const ELEMENT_BYTES = 9;

const append: MergeOperator = {
  name: "append",
  concatenates: true,
  combine: (older, newer) => Uint8Array.of(...older, ...newer),
  apply: (base, operand) => Uint8Array.of(...(base ?? []), ...operand),
  prune(value, time) {
    const kept: Uint8Array[] = [];
    for (let at = 0; at < value.length; at += ELEMENT_BYTES) {
      const element = value.subarray(at, at + ELEMENT_BYTES);
      const deadline = new DataView(element.slice().buffer).getFloat64(0);
      if (deadline > time) kept.push(element);
    }
    const length = kept.length * ELEMENT_BYTES;
    return length === value.length ? value : new Uint8Array(Buffer.concat(kept, length));
  },
};

export const mergeOperators: ReadonlyMap<number, MergeOperator> = new Map([
  [COUNT_STATE, int64Addition],
  [LIST_STATE, append],
]);

export const TINY: Partial<EngineTuning> = {
  blockBytes: 32,
  restartInterval: 3,
  memtableEntries: 4,
  filterMinimumEntries: 4,
  tableBytes: 200,
  maintainBytes: 64,
  compression: "none",
};

/** Blocks large enough to be worth compressing. */
export const COMPRESSED: Partial<EngineTuning> = { blockBytes: 400, tableBytes: 2_000 };

export function testEnvironment(limitBytes = 64 * 1024 * 1024): Environment {
  let ids = 0;
  return {
    now: () => 1_700_000_000_000,
    random: () => 0.5,
    newId: () => (ids++).toString(16).padStart(16, "0"),
    crc32: (bytes) => crc32(bytes),
    codecs: {
      "deflate-raw": {
        compress: (bytes) => deflateRawSync(bytes, { level: 1 }),
        decompress(bytes, rawSize) {
          const raw = inflateRawSync(bytes, { maxOutputLength: rawSize });
          if (raw.length !== rawSize) throw new Error(`${raw.length} bytes, expected ${rawSize}`);
          return raw;
        },
      },
    },
    memory: new SharedMemoryPool(limitBytes),
  };
}

export interface TestEngineOptions {
  readonly environment?: Environment;
  readonly blobStore?: BlobStore;
  readonly keyGroups?: KeyGroupRange;
  readonly from?: Pick<PersistedState, "tables" | "sequence">;
  readonly tuning?: Partial<EngineTuning>;
  readonly noted?: string[];
  readonly prefix?: string;
  readonly mergeOperators?: ReadonlyMap<number, MergeOperator>;
}

export function openEngine(options: TestEngineOptions = {}): StateEngine {
  const environment = options.environment ?? testEnvironment();
  let paths = 0;
  const engineOptions: EngineOptions = {
    environment,
    blobStore: options.blobStore ?? new MemoryBlobStore(environment),
    keyGroups: options.keyGroups ?? { first: 0, last: 7 },
    tables: options.from?.tables ?? [],
    sequence: options.from?.sequence ?? 0,
    mergeOperators: options.mergeOperators ?? mergeOperators,
    uploads: {
      nextPath: () => `${options.prefix ?? "t"}/${environment.newId()}-${paths++}`,
      note: (path) => options.noted?.push(path),
    },
    tuning: options.tuning ?? TINY,
  };
  return StateEngine.open(engineOptions);
}
