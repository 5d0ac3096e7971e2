/**
 * BlobStore that keeps at most a number of requests under way and one of them free for writes, so that a
 * checkpoint is uploaded however much is being read [35]. The rest waits in order of arrival, writes first.
 * A read that fails is repeated at once, because it can do no harm and an attempt makes hundreds of them: lost
 * with the first that fails, it might never end. A write is not, its owner knows what a second one means.
 *
 * Promise: the contract of blob-store.ts, as far as the store behind it keeps it.
 * Belongs to one object: waiting here for a request of another one would mean to wait for ever once that
 * object is evicted. The platform counts the connections of each object apart, too: what they share is memory, and
 * the limit follows the share of it.
 */
import { StateEngineError } from "../errors.ts";
import type { BlobEntry, BlobStore, PutOptions } from "./blob-store.ts";

/** Failures of a read that its caller hears of: the last of so many in a row. */
const READ_TRIES = 3;

export class LimitedBlobStore implements BlobStore {
  readonly #blobStore: BlobStore;
  readonly #limit: () => number;
  readonly #waitingReads: (() => void)[] = [];
  readonly #waitingWrites: (() => void)[] = [];
  #reads = 0;
  #writes = 0;

  /** `limit`: requests that may be under way at the moment, 2 or more; asked before each of them. */
  constructor(blobStore: BlobStore, limit: () => number) {
    this.#blobStore = blobStore;
    this.#limit = limit;
  }

  get(path: string): Promise<Uint8Array | undefined> {
    return this.#read(() => this.#blobStore.get(path));
  }

  getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    return this.#read(() => this.#blobStore.getRange(path, offset, length));
  }

  list(prefix: string): Promise<readonly BlobEntry[]> {
    return this.#read(() => this.#blobStore.list(prefix));
  }

  put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    return this.#write(() => this.#blobStore.put(path, bytes, options));
  }

  delete(paths: readonly string[]): Promise<void> {
    return this.#write(() => this.#blobStore.delete(paths));
  }

  async #read<Result>(request: () => Promise<Result>): Promise<Result> {
    if (this.#canRead()) this.#reads++;
    else await new Promise<void>((go) => this.#waitingReads.push(go));
    try {
      return await readRepeatedly(request);
    } finally {
      this.#reads--;
      this.#wakeWaiting();
    }
  }

  async #write<Result>(request: () => Promise<Result>): Promise<Result> {
    if (this.#canWrite()) this.#writes++;
    else await new Promise<void>((go) => this.#waitingWrites.push(go));
    try {
      return await request();
    } finally {
      this.#writes--;
      this.#wakeWaiting();
    }
  }

  #canWrite(): boolean {
    return this.#reads + this.#writes < this.#limit();
  }

  #canRead(): boolean {
    const limit = this.#limit();
    return this.#reads + this.#writes < limit && this.#reads < limit - 1;
  }

  /** Those that go on are counted here, before they run: nobody else takes their room. */
  #wakeWaiting(): void {
    for (;;) {
      if (this.#waitingWrites.length > 0 && this.#canWrite()) {
        this.#writes++;
        this.#waitingWrites.shift()!();
      } else if (this.#waitingReads.length > 0 && this.#canRead()) {
        this.#reads++;
        this.#waitingReads.shift()!();
      } else {
        return;
      }
    }
  }
}

async function readRepeatedly<Result>(request: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await request();
    } catch (error) {
      const mayPass = error instanceof StateEngineError && error.kind === "unavailable";
      if (!mayPass || tries === READ_TRIES) throw error;
    }
  }
}
