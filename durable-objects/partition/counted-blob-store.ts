/**
 * A BlobStore that counts the operations the platform bills, where they happen. Counts attempts: a
 * failed request is billed too.
 */
import type { BlobEntry, BlobStore, PutOptions } from "../../state-engine/blob-store/blob-store.ts";

export class CountedBlobStore implements BlobStore {
  readonly #store: BlobStore;
  #classA = 0;
  #classB = 0;

  constructor(store: BlobStore) {
    this.#store = store;
  }

  /** Operations since the last call. Deletes are free. */
  takeCounts(): { readonly classA: number; readonly classB: number } {
    const counts = { classA: this.#classA, classB: this.#classB };
    this.#classA = 0;
    this.#classB = 0;
    return counts;
  }

  get(path: string): Promise<Uint8Array | undefined> {
    this.#classB += 1;
    return this.#store.get(path);
  }

  getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    this.#classB += 1;
    return this.#store.getRange(path, offset, length);
  }

  put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    this.#classA += 1;
    return this.#store.put(path, bytes, options);
  }

  list(prefix: string): Promise<readonly BlobEntry[]> {
    this.#classA += 1;
    return this.#store.list(prefix);
  }

  delete(paths: readonly string[]): Promise<void> {
    return this.#store.delete(paths);
  }
}
