/**
 * What IndexedDbBlobStore uses of idb-keyval 6 and of the browser's Blob, in the shapes they have there.
 * The engine imports neither: it has no dependency, and a Worker has no IndexedDB.
 */
export interface IdbKeyval<Store> {
  get<Value>(key: string, store: Store): Promise<Value | undefined>;
  getMany<Value>(keys: string[], store: Store): Promise<(Value | undefined)[]>;
  set(key: string, value: unknown, store: Store): Promise<void>;
  /** Reads and writes in one transaction. When `updater` throws, nothing is written and the promise rejects with it. */
  update<Value>(
    key: string,
    updater: (current: Value | undefined) => Value,
    store: Store,
  ): Promise<void>;
  keys<Key extends string>(store: Store): Promise<Key[]>;
  delMany(keys: string[], store: Store): Promise<void>;
}

/** Immutable bytes somewhere in the browser, read when asked for. */
export interface BlobHandle {
  /** Bytes. */
  readonly size: number;
  slice(start: number, end: number): BlobHandle;
  arrayBuffer(): Promise<ArrayBuffer>;
}
