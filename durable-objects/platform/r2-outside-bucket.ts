/** OutsideBucket over an R2 bucket: create-if-absent, and what is there already is compared, never replaced. */
import type { NewObject, OutsideBucket } from "../sinks/outside-world.ts";

/** What is used of R2Bucket. */
export interface FileBucket {
  put(
    key: string,
    value: Uint8Array,
    options: {
      onlyIf: { etagDoesNotMatch: string };
      httpMetadata: { contentType: string };
      customMetadata: Record<string, string>;
    },
  ): Promise<object | null>;
  head(
    key: string,
  ): Promise<{ readonly size: number; readonly customMetadata?: Record<string, string> } | null>;
}

export class R2OutsideBucket implements OutsideBucket {
  readonly #bucket: FileBucket;

  constructor(bucket: FileBucket) {
    this.#bucket = bucket;
  }

  async putIfAbsent(
    key: string,
    { bytes, contentType, fingerprint }: NewObject,
  ): Promise<{ readonly size: number }> {
    const put = await this.#bucket.put(key, bytes, {
      onlyIf: { etagDoesNotMatch: "*" },
      httpMetadata: { contentType },
      customMetadata: { fingerprint },
    });
    if (put !== null) return { size: bytes.length };
    const present = await this.#bucket.head(key);
    if (present?.customMetadata?.["fingerprint"] === fingerprint) return { size: present.size };
    throw new Error(
      present === null
        ? `The object was there and then it was not: key=${key}`
        : `The bucket holds another object where a file of the sink belongs: key=${key}`,
    );
  }

  async sizeOf(key: string): Promise<number | undefined> {
    return (await this.#bucket.head(key))?.size;
  }
}
