/**
 * BlobStore over an R2 bucket.
 *
 * Promise: the contract of state-engine/blob-store/blob-store.ts. Bodies are always read to the end,
 * because an unread one holds one of the six connections.
 * Does not retry or count: the caller knows what a second attempt means, and whose operation it is.
 */
import type { BlobEntry, BlobStore, PutOptions } from "../../state-engine/blob-store/blob-store.ts";
import { assertBlobPath, StateEngineError } from "../../state-engine/index.ts";

/** What is used of R2Bucket. */
export interface Bucket {
  get(
    key: string,
    options?: { range: { offset: number; length: number } },
  ): Promise<{ readonly size: number; arrayBuffer(): Promise<ArrayBuffer> } | null>;
  head(key: string): Promise<{ readonly size: number } | null>;
  put(
    key: string,
    value: Uint8Array,
    options?: { onlyIf: { etagDoesNotMatch: string } },
  ): Promise<object | null>;
  list(options: { prefix: string; cursor?: string }): Promise<BucketPage>;
  delete(keys: string[]): Promise<void>;
}

export interface BucketPage {
  readonly objects: readonly {
    readonly key: string;
    readonly size: number;
    readonly uploaded: Date;
  }[];
  readonly truncated: boolean;
  readonly cursor?: string;
}

/** The most keys one delete takes. */
const DELETE_LIMIT = 1000;

export class R2BlobStore implements BlobStore {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async get(path: string): Promise<Uint8Array | undefined> {
    return await unavailableOnError(`reading ${path}`, async () => {
      const object = await this.#bucket.get(path);
      return object === null ? undefined : new Uint8Array(await object.arrayBuffer());
    });
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    return await unavailableOnError(`reading ${length} bytes at ${offset} of ${path}`, async () => {
      if (length === 0) return await this.#emptyRange(path);
      try {
        const object = await this.#bucket.get(path, { range: { offset, length } });
        return object === null ? undefined : new Uint8Array(await object.arrayBuffer());
      } catch (error) {
        // R2 refuses a range that begins at or beyond the end; the contract answers it with no bytes.
        const head = await this.#bucket.head(path);
        if (head !== null && offset >= head.size) return new Uint8Array();
        throw error;
      }
    });
  }

  async put(path: string, bytes: Uint8Array, options?: PutOptions): Promise<"written" | "exists"> {
    assertBlobPath(path);
    return await unavailableOnError(`writing ${path}`, async () => {
      const object = options?.ifAbsent
        ? await this.#bucket.put(path, bytes, { onlyIf: { etagDoesNotMatch: "*" } })
        : await this.#bucket.put(path, bytes);
      return object === null ? "exists" : "written";
    });
  }

  async list(prefix: string): Promise<readonly BlobEntry[]> {
    return await unavailableOnError(`listing ${prefix}`, async () => {
      const entries: BlobEntry[] = [];
      let cursor: string | undefined;
      for (;;) {
        const page = await this.#bucket.list({ prefix, ...(cursor !== undefined && { cursor }) });
        for (const { key, size, uploaded } of page.objects) {
          entries.push({ path: key, size, writtenAt: uploaded.getTime() });
        }
        if (!page.truncated) return entries;
        cursor = page.cursor;
      }
    });
  }

  async delete(paths: readonly string[]): Promise<void> {
    await unavailableOnError(`deleting ${paths.length} blobs`, async () => {
      for (let start = 0; start < paths.length; start += DELETE_LIMIT) {
        await this.#bucket.delete(paths.slice(start, start + DELETE_LIMIT));
      }
    });
  }

  async #emptyRange(path: string): Promise<Uint8Array | undefined> {
    return (await this.#bucket.head(path)) === null ? undefined : new Uint8Array();
  }
}

async function unavailableOnError<Result>(
  doing: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw new StateEngineError("unavailable", `R2 failed while ${doing}.`, { cause });
  }
}
