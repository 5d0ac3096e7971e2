/**
 * A store that tells reads of the ends of tables (index, filter and properties, which is what opening a
 * table takes) from reads of blocks, and counts both. Whatever else it is asked goes on to the store behind it.
 */
import type { BlobEntry, BlobStore, PutOptions } from "../../state-engine/blob-store/blob-store.ts";
import type { TableReference } from "../../state-engine/version/table-reference.ts";

export class TailAndBlockReads implements BlobStore {
  tails = 0;
  tailBytes = 0;
  blocks = 0;
  blockBytes = 0;
  readonly #blobStore: BlobStore;
  readonly #tails: ReadonlySet<string>;

  constructor(blobStore: BlobStore, tables: readonly TableReference[]) {
    this.#blobStore = blobStore;
    this.#tails = new Set(
      tables.map(({ path, offset, indexOffset }) => `${path} ${offset + indexOffset}`),
    );
  }

  getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    if (this.#tails.has(`${path} ${offset}`)) {
      this.tails++;
      this.tailBytes += length;
    } else {
      this.blocks++;
      this.blockBytes += length;
    }
    return this.#blobStore.getRange(path, offset, length);
  }

  get(path: string): Promise<Uint8Array | undefined> {
    return this.#blobStore.get(path);
  }

  put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    return this.#blobStore.put(path, bytes, options);
  }

  list(prefix: string): Promise<readonly BlobEntry[]> {
    return this.#blobStore.list(prefix);
  }

  delete(paths: readonly string[]): Promise<void> {
    return this.#blobStore.delete(paths);
  }
}
