/**
 * The engine's public names, one by one. Other folders import this file, environment.ts,
 * blob-store/blob-store.ts and version/table-reference.ts, and nothing else of the engine.
 */
export { StateEngine } from "./engine.ts";
export { ReadOnlyStateEngine, openReadOnly } from "./read-only.ts";
export type { ReadOnlyOptions } from "./read-only.ts";
export { DEFAULT_POOL_BYTES, SharedMemoryPool } from "./memory-pool.ts";
export type {
  EngineOperations,
  EngineStatistics,
  FrozenState,
  Lookup,
  PersistedState,
  PersistOptions,
  ScanEntry,
  ScanOptions,
  ScanPage,
  Snapshot,
  StateRange,
  StateRead,
  StateWrite,
} from "./engine-types.ts";
export { batchBytes } from "./memtable/write-batch.ts";
export type {
  Compression,
  CompressionName,
  Environment,
  LargerCompression,
  MemoryMember,
  MemoryPool,
} from "./environment.ts";
export type { KeyGroupRange, TableExpiry, TableReference } from "./version/table-reference.ts";
export { zlibCodecs } from "./zlib-codecs.ts";
export type { ZlibFunctions } from "./zlib-codecs.ts";
export { DEFAULT_TUNING } from "./options.ts";
export type { EngineOptions, EngineTuning, MergeOperator, UploadLog } from "./options.ts";
export type { BlobEntry, BlobStore, PutOptions } from "./blob-store/blob-store.ts";
export { CachingBlobStore } from "./blob-store/caching-blob-store.ts";
export type { CachingBlobStoreOptions } from "./blob-store/caching-blob-store.ts";
export { HttpBlobStore } from "./blob-store/http-blob-store.ts";
export type { Fetch, HttpAnswer, HttpBlobStoreOptions } from "./blob-store/http-blob-store.ts";
export type { BlobHandle, IdbKeyval } from "./blob-store/idb-keyval.ts";
export { IndexedDbBlobStore } from "./blob-store/indexeddb-blob-store.ts";
export type { IndexedDbBlobStoreOptions } from "./blob-store/indexeddb-blob-store.ts";
export { LimitedBlobStore } from "./blob-store/limited-blob-store.ts";
export { MemoryBlobStore } from "./blob-store/memory-blob-store.ts";
export { assertBlobPath } from "./blob-store/paths.ts";
export { StateEngineError } from "./errors.ts";
export type { StateEngineErrorKind } from "./errors.ts";
export { HASH_SEED, finishHash, hash32, hashByte } from "./bytes/hash.ts";
export { decodeInt64, decodeInt64Number, encodeInt64 } from "./bytes/int64.ts";
export { int64Addition } from "./state/merge-operators.ts";
export {
  STATE_KEY_HEADER_BYTES,
  keyGroupOf,
  keyGroupStart,
  prefixEnd,
  splitStateSubKey,
  stateIdOf,
  stateKey,
  stateKeyHash,
  stateKeyPrefix,
  stateSubKey,
  writeStateKeyHeader,
} from "./state/state-key.ts";
export { tableIdentity, MANIFEST_FORMAT_VERSION } from "./manifest/manifest.ts";
export type {
  Manifest,
  ManifestPartition,
  ManifestSource,
  MovedTable,
  PartitionTables,
} from "./manifest/manifest.ts";
export { decodeManifest, encodeManifest } from "./manifest/encode-manifest.ts";
export type {
  CodecSchema,
  FieldSchema,
  StateSchema,
  VertexSchema,
} from "./manifest/state-schema.ts";
export { applyChain, resolveChain } from "./manifest/resolve-chain.ts";
export type { ResolvedManifest } from "./manifest/resolve-chain.ts";
export { planManifest } from "./manifest/plan-manifest.ts";
export type {
  ManifestRequest,
  PlannedManifest,
  PreviousManifest,
} from "./manifest/plan-manifest.ts";
export { blockEntries, blockHeader, findTables, inspectTable } from "./inspect/table-inspection.ts";
export type { InspectedEntry, TableInspection } from "./inspect/table-inspection.ts";
export { verifyTable } from "./inspect/verify-table.ts";
export { verifyVersion } from "./inspect/verify-version.ts";
