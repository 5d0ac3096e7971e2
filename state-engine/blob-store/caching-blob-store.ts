/**
 * BlobStore that keeps what was read of another one in a nearer one, up to a number of bytes, and drops
 * what was read longest ago: a browser's IndexedDB in front of a server, a folder in front of a bucket.
 *
 * Promise: the contract of blob-store.ts as long as blobs are written and deleted through this object. A
 * blob that somebody else deletes may stay readable here; its bytes are those it always had. A cache that
 * fails or was emptied costs time, never an answer: its errors go to `reportError`.
 *
 * Ranges are fetched in whole pages, so that no byte is kept twice; what get brought is kept whole.
 * Does not keep what is put, remember that a blob is absent, or share its budget with another object on
 * the same cache.
 */
import { CacheIndex } from "./caching-blob-store-index.ts";
import type { Piece } from "./caching-blob-store-index.ts";
import type { BlobEntry, BlobStore, PutOptions } from "./blob-store.ts";

export interface CachingBlobStoreOptions {
  readonly origin: BlobStore;
  /** Holds nothing else. What it holds from an earlier run is used. */
  readonly cache: BlobStore;
  /** Bytes of blobs the cache may hold. */
  readonly limitBytes: number;
  /** Bytes fetched at once of a blob that is read by ranges. Default: 64 KiB. The same for the life of a cache. */
  readonly pageBytes?: number;
  reportError(error: unknown, doing: string): void;
}

const DEFAULT_PAGE_BYTES = 64 * 1024;

export class CachingBlobStore implements BlobStore {
  readonly #origin: BlobStore;
  readonly #index: CacheIndex;
  readonly #pageBytes: number;

  constructor(options: CachingBlobStoreOptions) {
    this.#origin = options.origin;
    this.#index = new CacheIndex(options);
    this.#pageBytes = options.pageBytes ?? DEFAULT_PAGE_BYTES;
  }

  async get(path: string): Promise<Uint8Array | undefined> {
    return await this.#read({ path, name: "whole" }, () => this.#origin.get(path));
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    const whole = await this.#index.read({ path, name: "whole" });
    if (whole !== undefined) return whole.slice(offset, offset + length);
    if (length === 0) return await this.#origin.getRange(path, offset, 0);
    const pageBytes = this.#pageBytes;
    const first = Math.floor(offset / pageBytes);
    const last = Math.floor((offset + length - 1) / pageBytes);
    const pages = await this.#readPages(path, first, last);
    if (pages === undefined) return undefined;
    const start = offset - first * pageBytes;
    return concatenate(pages).slice(start, start + length);
  }

  async put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    try {
      return await this.#origin.put(path, bytes, options);
    } finally {
      // Also after a rejection: the blob may have been replaced.
      await this.#index.forget([path]);
    }
  }

  list(prefix: string): Promise<readonly BlobEntry[]> {
    return this.#origin.list(prefix);
  }

  async delete(paths: readonly string[]): Promise<void> {
    try {
      await this.#origin.delete(paths);
    } finally {
      await this.#index.forget(paths);
    }
  }

  async #read(
    piece: Piece,
    fetch: () => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array | undefined> {
    const cached = await this.#index.read(piece);
    if (cached !== undefined) return cached;
    const turn = this.#index.beginFetch();
    const bytes = await fetch();
    if (bytes !== undefined) await this.#index.keep(piece, bytes, turn);
    return bytes;
  }
}
