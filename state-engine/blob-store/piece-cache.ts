/**
 * Pieces of blobs (a whole one, or one page of it) in a BlobStore of their own: which are there, which
 * was used longest ago, and how many bytes they are together. The memory of CachingBlobStore.
 *
 * Promise: never more than `limitBytes` of pieces are known; a piece that was on its way when its blob was
 * forgotten is not kept. The cache's errors are reported and cost time only.
 * Use survives in memory alone: after a start, what was written first counts as used longest ago.
 */
import type { BlobStore } from "./blob-store.ts";

export interface PieceCacheOptions {
  readonly cache: BlobStore;
  readonly limitBytes: number;
  reportError(error: unknown, doing: string): void;
}

export interface Piece {
  /** Of the blob it is a piece of. */
  readonly path: string;
  /** One path segment that tells the pieces of a blob apart. */
  readonly name: string;
}

/** The longest path a BlobStore takes. */
const MAXIMUM_PATH_BYTES = 1024;

export class PieceCache {
  readonly #options: PieceCacheOptions;
  /** Bytes by path in the cache; the one used longest ago first. */
  readonly #sizes = new Map<string, number>();
  #usedBytes = 0;
  #opening: Promise<boolean> | undefined;
  /** Blobs forgotten before it was known what the cache holds of them. */
  readonly #unwanted = new Set<string>();
  /** Raised when anything is forgotten: what was fetched before may be of a blob that is gone. */
  #turn = 0;
  /** Writes and removals one after another, so that the later one decides. */
  #changes: Promise<void> = Promise.resolve();

  constructor(options: PieceCacheOptions) {
    this.#options = options;
  }

  async read(piece: Piece): Promise<Uint8Array | undefined> {
    const path = cachePath(piece);
    if (!(await this.#open()) || !this.#sizes.has(path)) return undefined;
    const bytes = await this.#attempt(`reading ${path}`, () => this.#options.cache.get(path));
    const size = this.#sizes.get(path);
    if (size === undefined) return bytes;
    this.#drop(path);
    // A browser may empty the cache behind our back.
    if (bytes !== undefined) this.#add(path, size);
    return bytes;
  }

  /** To be asked before a blob is fetched, and given to `keep` with what was fetched. */
  currentTurn(): number {
    return this.#turn;
  }

  /** Resolves once the piece is kept, or turned out not to be worth it or not to be wanted any more. */
  async keep(piece: Piece, bytes: Uint8Array, turn: number): Promise<void> {
    const path = cachePath(piece);
    const size = bytes.length;
    if (size > this.#options.limitBytes || path.length > MAXIMUM_PATH_BYTES) return;
    if (!(await this.#open())) return;
    await this.#change(async () => {
      if (turn !== this.#turn || this.#sizes.has(path)) return;
      await this.#makeRoom(size);
      await this.#attempt(`writing ${path}`, async () => {
        await this.#options.cache.put(path, bytes);
        this.#add(path, size);
      });
    });
  }

  /** Resolves once no piece of these blobs is answered any more. */
  async forget(blobPaths: readonly string[]): Promise<void> {
    this.#turn++;
    if (!(await this.#open())) {
      for (const path of blobPaths) this.#unwanted.add(path);
      return;
    }
    const forgotten = new Set(blobPaths);
    await this.#change(async () => {
      await this.#remove([...this.#sizes.keys()].filter((path) => forgotten.has(blobPath(path))));
    });
  }

  async #makeRoom(size: number): Promise<void> {
    const oldest: string[] = [];
    let excess = this.#usedBytes + size - this.#options.limitBytes;
    for (const [path, bytes] of this.#sizes) {
      if (excess <= 0) break;
      oldest.push(path);
      excess -= bytes;
    }
    await this.#remove(oldest);
  }

  async #remove(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    for (const path of paths) this.#drop(path);
    await this.#attempt(`removing ${paths.length} pieces`, () => this.#options.cache.delete(paths));
  }

  #add(path: string, size: number): void {
    this.#sizes.set(path, size);
    this.#usedBytes += size;
  }

  #drop(path: string): void {
    this.#usedBytes -= this.#sizes.get(path) ?? 0;
    this.#sizes.delete(path);
  }

  /** Whether it is known what the cache holds. Tried again at the next call when it could not be read. */
  async #open(): Promise<boolean> {
    this.#opening ??= this.#load();
    const isOpen = await this.#opening;
    if (!isOpen) this.#opening = undefined;
    return isOpen;
  }

  async #load(): Promise<boolean> {
    const entries = await this.#attempt("listing", () => this.#options.cache.list(""));
    if (entries === undefined) return false;
    const unwanted: string[] = [];
    for (const { path, size } of entries.toSorted((a, b) => a.writtenAt - b.writtenAt)) {
      if (this.#unwanted.has(blobPath(path))) unwanted.push(path);
      else this.#add(path, size);
    }
    await this.#remove(unwanted);
    await this.#makeRoom(0);
    return true;
  }

  async #change(work: () => Promise<void>): Promise<void> {
    this.#changes = this.#changes.then(work);
    await this.#changes;
  }

  async #attempt<Result>(doing: string, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#options.reportError(error, `${doing} in the cache of blobs`);
      return undefined;
    }
  }
}

/** The name comes first: a blob's path is never the folder of another, so neither is a piece's. */
function cachePath({ path, name }: Piece): string {
  return `${name}/${path}`;
}

function blobPath(path: string): string {
  return path.slice(path.indexOf("/") + 1);
}
