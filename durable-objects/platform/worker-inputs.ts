// oxlint-disable-next-line typescript/triple-slash-reference -- It declares modules; importing it would stay in the bundle.
/// <reference path="./node-modules.d.ts" />
/**
 * What feeds read from outside, in workerd: R2 bindings, fetch, and decompressors.
 */
import { isUtf8 } from "node:buffer";
import type { InputBucket, Inputs, ObjectRead } from "../inputs.ts";
import { boundBucket, bucketToBind } from "./bound-bucket.ts";
import { ZlibDecompressor } from "./zlib-decompressor.ts";
import { ZstdDecompressor } from "./zstd-decompressor.ts";

export function createWorkerInputs(bindings: object): Inputs {
  const byName = bindings as Readonly<Record<string, unknown>>;
  return {
    bucket: (binding) => new R2InputBucket(bucketOf(byName, binding)),
    fetchBody,
    decompressor: (format) =>
      format === "gzip" ? ZlibDecompressor.ofGzip() : new ZstdDecompressor(),
    isUtf8,
    bindings: byName,
  };
}

function bucketOf(bindings: Readonly<Record<string, unknown>>, binding: string): R2Bucket {
  const bucket = boundBucket(bindings, binding);
  if (bucket !== undefined) return bucket;
  throw new Error(`This Worker has no R2 bucket bound as "${binding}": ${bucketToBind(binding)}.`);
}

class R2InputBucket implements InputBucket {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async list({ prefix, after }: { readonly prefix: string; readonly after: string | undefined }) {
    const page = await this.#bucket.list({
      prefix,
      ...(after !== undefined && { startAfter: after }),
    });
    const objects = page.objects.map(({ etag, key, size }) => ({ key, etag, size }));
    return { objects, isEnd: !page.truncated };
  }

  async read(
    { etag, key }: { readonly key: string; readonly etag: string },
    offset: number,
    length: number,
  ): Promise<ObjectRead> {
    const object = await this.#bucket.get(key, {
      range: { offset, length },
      onlyIf: { etagMatches: etag },
    });
    if (object === null) return { kind: "gone" };
    if (!("body" in object)) return { kind: "changed" };
    const bytes = new Uint8Array(await object.arrayBuffer());
    return { kind: "bytes", bytes, contentEncoding: object.httpMetadata?.contentEncoding };
  }
}

async function fetchBody(url: string, limitBytes: number): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status}.`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limitBytes) throw new Error(`${url} answered more than ${limitBytes} bytes.`);
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
