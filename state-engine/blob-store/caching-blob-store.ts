/**
 * BlobStore that keeps what was read of another one in a nearer one, up to a number of bytes, and drops
 * what was read longest ago: a browser's IndexedDB in front of a server, a folder in front of a bucket.
 *
 * Promise: the contract of blob-store.ts as long as blobs are written and deleted through this object. A
 * blob that somebody else deletes may stay readable here; its bytes are those it always had. A cache that
 * fails or was emptied costs time, never an answer: its errors go to `reportError`.
 *
 * A range is fetched in whole pages, with one request from the first page that is missing. What get brought
 * is kept whole.
 * Does not keep what is put, remember that a blob is absent, or share its budget with another object on
 * the same cache.
 */
import type { BlobEntry, BlobStore, PutOptions } from "./blob-store.ts";
import { PieceCache } from "./piece-cache.ts";
import type { Piece, PieceCacheOptions } from "./piece-cache.ts";

export interface CachingBlobStoreOptions extends PieceCacheOptions {
  readonly origin: BlobStore;
  /** Holds nothing else. What it holds from an earlier run is used. */
  readonly cache: BlobStore;
  /** Bytes of blobs the cache may hold. */
  readonly limitBytes: number;
  /** Of a blob that is read by ranges. Default: 64 KiB. */
  readonly pageBytes?: number;
}

const DEFAULT_PAGE_BYTES = 64 * 1024;

export class CachingBlobStore implements BlobStore {
  readonly #origin: BlobStore;
  readonly #pieces: PieceCache;
  readonly #pageBytes: number;

  constructor(options: CachingBlobStoreOptions) {
    this.#origin = options.origin;
    this.#pieces = new PieceCache(options);
    this.#pageBytes = options.pageBytes ?? DEFAULT_PAGE_BYTES;
  }

  async get(path: string): Promise<Uint8Array | undefined> {
    const piece = wholeOf(path);
    const cached = await this.#pieces.read(piece);
    if (cached !== undefined) return cached;
    const turn = this.#pieces.currentTurn();
    const bytes = await this.#origin.get(path);
    if (bytes !== undefined) await this.#pieces.keep(piece, bytes, turn);
    return bytes;
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    const whole = await this.#pieces.read(wholeOf(path));
    if (whole !== undefined) return whole.slice(offset, offset + length);
    if (length === 0) return await this.#origin.getRange(path, offset, 0);
    const first = Math.floor(offset / this.#pageBytes);
    const last = Math.floor((offset + length - 1) / this.#pageBytes);
    const bytes = await this.#readPages(path, first, last);
    const start = offset - first * this.#pageBytes;
    return bytes?.slice(start, start + length);
  }

  async put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    try {
      return await this.#origin.put(path, bytes, options);
    } finally {
      // Also after a rejection: the blob may have been replaced.
      await this.#pieces.forget([path]);
    }
  }

  list(prefix: string): Promise<readonly BlobEntry[]> {
    return this.#origin.list(prefix);
  }

  async delete(paths: readonly string[]): Promise<void> {
    try {
      await this.#origin.delete(paths);
    } finally {
      await this.#pieces.forget(paths);
    }
  }

  /** The bytes of pages `first` to `last`, both included, as far as the blob goes. */
  async #readPages(path: string, first: number, last: number): Promise<Uint8Array | undefined> {
    const pages: Uint8Array[] = [];
    for (let page = first; page <= last; page++) {
      const cached = await this.#pieces.read(this.#pageOf(path, page));
      if (cached === undefined) {
        const rest = await this.#fetchPages(path, page, last);
        if (rest === undefined) return undefined;
        pages.push(rest);
        break;
      }
      pages.push(cached);
      // The end of the blob.
      if (cached.length < this.#pageBytes) break;
    }
    return concatenate(pages);
  }

  async #fetchPages(path: string, first: number, last: number): Promise<Uint8Array | undefined> {
    const pageBytes = this.#pageBytes;
    const turn = this.#pieces.currentTurn();
    const length = (last - first + 1) * pageBytes;
    const bytes = await this.#origin.getRange(path, first * pageBytes, length);
    if (bytes === undefined) return undefined;
    for (let start = 0; start < bytes.length; start += pageBytes) {
      const page = this.#pageOf(path, first + start / pageBytes);
      await this.#pieces.keep(page, bytes.subarray(start, start + pageBytes), turn);
    }
    return bytes;
  }

  /** The size stands in the name, so that a cache filled with pages of another size is not misread. */
  #pageOf(path: string, page: number): Piece {
    return { path, name: `page-${this.#pageBytes}-${page}` };
  }
}

function wholeOf(path: string): Piece {
  return { path, name: "whole" };
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes;
}
