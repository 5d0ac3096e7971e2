/**
 * A BlobStore that counts the operations the platform bills, where they happen. Counts attempts: a
 * failed request is billed too.
 */
import type { BlobEntry, BlobStore, PutOptions } from "../../state-engine/blob-store/blob-store.ts";

interface CountedStoreContext {
  readonly blobStore: BlobStore;
  readonly crashPoint: (name: string) => void;
}

export class CountedBlobStore implements BlobStore {
  readonly #store: BlobStore;
  readonly #crashPoint: (name: string) => void;
  #classA = 0;
  #classB = 0;

  constructor({ blobStore, crashPoint }: CountedStoreContext) {
    this.#store = blobStore;
    this.#crashPoint = crashPoint;
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

  async put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    this.#classA += 1;
    this.#crashPoint("partition: before put");
    const answer = await this.#store.put(path, bytes, options);
    this.#crashPoint("partition: after put");
    return answer;
  }

  list(prefix: string): Promise<readonly BlobEntry[]> {
    this.#classA += 1;
    return this.#store.list(prefix);
  }

  async delete(paths: readonly string[]): Promise<void> {
    this.#crashPoint("partition: before delete");
    await this.#store.delete(paths);
    this.#crashPoint("partition: after delete");
  }
}
