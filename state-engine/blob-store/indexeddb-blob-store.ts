/**
 * BlobStore in a browser's IndexedDB, through idb-keyval: one key per blob.
 *
 *   new IndexedDbBlobStore({ idbKeyval, store: createStore("weir", "blobs"), toBlob, now })
 *
 * Bytes are kept as the browser's own Blob, which is a handle: a range is read without the rest, and a
 * listing learns sizes without reading anything. The idb-keyval store must hold nothing else.
 *
 * Does not keep the browser from evicting the origin's data (ask navigator.storage.persist()), and is no
 * faster than its transactions: good for checkpoints and caches, not for a write per record.
 */
import { StateEngineError } from "../errors.ts";
import type { BlobEntry, BlobStore, PutOptions } from "./blob-store.ts";
import type { BlobHandle, IdbKeyval } from "./idb-keyval.ts";
import { assertBlobPath } from "./paths.ts";

export interface IndexedDbBlobStoreOptions<Store, Handle extends BlobHandle> {
  /** The module: `import * as idbKeyval from "idb-keyval"`. */
  readonly idbKeyval: IdbKeyval<Store>;
  /** What createStore of the module answers, one database for this BlobStore alone. */
  readonly store: Store;
  /** `(bytes) => new Blob([bytes])`: a handle on a copy of the bytes. */
  toBlob(bytes: Uint8Array): Handle;
  /** Milliseconds since the epoch. */
  now(): number;
}

interface StoredBlob {
  readonly blob: BlobHandle;
  readonly writtenAt: number;
}

export class IndexedDbBlobStore<Store, Handle extends BlobHandle> implements BlobStore {
  readonly #options: IndexedDbBlobStoreOptions<Store, Handle>;

  constructor(options: IndexedDbBlobStoreOptions<Store, Handle>) {
    this.#options = options;
  }

  async get(path: string): Promise<Uint8Array | undefined> {
    return await unavailableOnError(`reading ${path}`, async () => {
      const stored = await this.#read(path);
      return stored && new Uint8Array(await stored.blob.arrayBuffer());
    });
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    return await unavailableOnError(`reading ${length} bytes at ${offset} of ${path}`, async () => {
      const stored = await this.#read(path);
      if (stored === undefined) return undefined;
      const end = Math.min(offset + length, stored.blob.size);
      if (offset >= end) return new Uint8Array();
      return new Uint8Array(await stored.blob.slice(offset, end).arrayBuffer());
    });
  }

  async put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    assertBlobPath(path);
    const { idbKeyval, store } = this.#options;
    return await unavailableOnError(`writing ${path}`, async () => {
      const stored: StoredBlob = {
        blob: this.#options.toBlob(bytes),
        writtenAt: this.#options.now(),
      };
      if (!options?.ifAbsent) {
        await idbKeyval.set(path, stored, store);
        return "written";
      }
      const taken = new Error("The path is taken.");
      try {
        // Look and write in one transaction; a throw between the two writes nothing.
        await idbKeyval.update<StoredBlob>(
          path,
          (current) => {
            if (current !== undefined) throw taken;
            return stored;
          },
          store,
        );
        return "written";
      } catch (error) {
        if (error === taken) return "exists";
        throw error;
      }
    });
  }

  async list(prefix: string): Promise<readonly BlobEntry[]> {
    const { idbKeyval, store } = this.#options;
    return await unavailableOnError(`listing ${prefix}`, async () => {
      // IndexedDB answers text keys in ascending order of their code units.
      const keys = await idbKeyval.keys<string>(store);
      const paths = keys.filter((key) => key.startsWith(prefix));
      const values = await idbKeyval.getMany<StoredBlob>(paths, store);
      return paths.flatMap((path, index) => {
        const stored = values[index];
        // Deleted between the two transactions.
        if (stored === undefined) return [];
        return [{ path, size: stored.blob.size, writtenAt: stored.writtenAt }];
      });
    });
  }

  async delete(paths: readonly string[]): Promise<void> {
    const { idbKeyval, store } = this.#options;
    await unavailableOnError(`deleting ${paths.length} blobs`, async () => {
      await idbKeyval.delMany([...paths], store);
    });
  }

  #read(path: string): Promise<StoredBlob | undefined> {
    return this.#options.idbKeyval.get<StoredBlob>(path, this.#options.store);
  }
}

async function unavailableOnError<Result>(
  doing: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw new StateEngineError("unavailable", `IndexedDB failed while ${doing}.`, { cause });
  }
}
