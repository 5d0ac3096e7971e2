/**
 * Reads the state of any checkpoint, wherever its objects can be reached: in a Worker, on the command
 * line, in a browser. Never writes.
 */
import type { BlobStore } from "./blob-store/blob-store.ts";
import { LimitedBlobStore } from "./blob-store/limited-blob-store.ts";
import { levelStatistics } from "./engine-statistics.ts";
import type { EngineStatistics, ScanOptions, ScanPage } from "./engine-types.ts";
import type { Environment, MemoryMember } from "./environment.ts";
import { requestLimit } from "./limits.ts";
import type { MergeOperator } from "./options.ts";
import { BlockCache } from "./read/block-cache.ts";
import { BlockLoader } from "./read/block-loader.ts";
import { fetchReads } from "./read/fetch-reads.ts";
import { PointReader } from "./read/point-reader.ts";
import type { ReadView } from "./read/read-view.ts";
import { scanPage } from "./read/scan.ts";
import { stateKeyHash } from "./state/state-key.ts";
import type { KeyGroupRange, TableReference } from "./version/table-reference.ts";
import { openVersion } from "./version/open-version.ts";

export interface ReadOnlyOptions {
  readonly environment: Environment;
  readonly blobStore: BlobStore;
  readonly tables: readonly TableReference[];
  readonly keyGroups: KeyGroupRange;
  readonly mergeOperators: ReadonlyMap<number, MergeOperator>;
  /** Entries that expire by this time do not exist; the checkpoint's time of the partition. 0: none has. */
  readonly time?: number;
}

export class ReadOnlyStateEngine implements MemoryMember {
  readonly #options: ReadOnlyOptions;
  readonly #view: ReadView;
  readonly #loader: BlockLoader;
  readonly #reader: PointReader;

  constructor(options: ReadOnlyOptions) {
    const { environment, tables, keyGroups, mergeOperators } = options;
    const { memory } = environment;
    const blobStore = new LimitedBlobStore(options.blobStore, () => requestLimit(memory));
    this.#options = options;
    const version = openVersion(tables, keyGroups);
    this.#view = { memtables: [], version, time: options.time ?? 0 };
    const limit = (): number => memory.share();
    this.#loader = new BlockLoader(environment, blobStore, new BlockCache(), limit);
    this.#reader = new PointReader(this.#loader, mergeOperators);
    memory.join(this);
  }

  get usedBytes(): number {
    return this.#loader.cache.usedBytes;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return (await this.getMany([key]))[0];
  }

  /** In the order of the keys; undefined where there is no value. */
  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const values: (Uint8Array | undefined)[] = [];
    while (values.length < keys.length) {
      const rest = keys.slice(values.length);
      this.#trim();
      const limit = this.#options.environment.memory.share();
      const count = await fetchReads(rest, this.#reader, this.#loader, () => this.#view, limit);
      for (const key of rest.slice(0, count)) {
        const hash = stateKeyHash(key, 0, key.length);
        const found = this.#reader.lookup(this.#view, key, 0, key.length, hash);
        // Another read may have pushed a block out again: the rest is fetched anew.
        if (found === "notResident") break;
        values.push(found === "missing" ? undefined : found.slice());
      }
    }
    return values;
  }

  async scan(options: Omit<ScanOptions, "snapshot">): Promise<ScanPage> {
    const { keyGroups, mergeOperators } = this.#options;
    const view = (): ReadView => this.#view;
    this.#trim();
    return scanPage(
      { loader: this.#loader, keyGroups, mergeOperators, view, hold: () => undefined },
      options,
    );
  }

  /** Requests made and bytes read so far. */
  get reads(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.#loader.gets, bytes: this.#loader.bytesRead };
  }

  statistics(): Pick<EngineStatistics, "levels" | "tables" | "tableBytes" | "tableEntries"> {
    return levelStatistics(this.#view.version);
  }

  close(): void {
    this.#options.environment.memory.leave(this);
  }

  #trim(): void {
    this.#loader.cache.trim(this.#options.environment.memory.share());
  }
}

/** Reads nothing yet: tables are opened when first read. */
export function openReadOnly(options: ReadOnlyOptions): ReadOnlyStateEngine {
  return new ReadOnlyStateEngine(options);
}
