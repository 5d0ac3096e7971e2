/**
 * The reference implementation of BlobStore: a map. Takes the time of writing from its environment's
 * clock; keeps copies, so that neither side can change the other's bytes.
 */
import type { Environment } from "../environment.ts";
import type { BlobEntry, BlobStore, PutOptions } from "./blob-store.ts";
import { assertBlobPath } from "./paths.ts";

export class MemoryBlobStore implements BlobStore {
  readonly #clock: Pick<Environment, "now">;
  readonly #blobs = new Map<string, { readonly bytes: Uint8Array; readonly writtenAt: number }>();

  constructor(clock: Pick<Environment, "now">) {
    this.#clock = clock;
  }

  get(path: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#blobs.get(path)?.bytes.slice());
  }

  getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#blobs.get(path)?.bytes.slice(offset, offset + length));
  }

  async put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    assertBlobPath(path);
    if (options?.ifAbsent && this.#blobs.has(path)) return "exists";
    this.#blobs.set(path, { bytes: bytes.slice(), writtenAt: this.#clock.now() });
    return "written";
  }

  list(prefix: string): Promise<readonly BlobEntry[]> {
    const entries = [...this.#blobs]
      .filter(([path]) => path.startsWith(prefix))
      .map(([path, { bytes, writtenAt }]) => ({ path, size: bytes.length, writtenAt }))
      .sort((left, right) => (left.path < right.path ? -1 : 1));
    return Promise.resolve(entries);
  }

  delete(paths: readonly string[]): Promise<void> {
    for (const path of paths) this.#blobs.delete(path);
    return Promise.resolve();
  }
}
