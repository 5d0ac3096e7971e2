/**
 * What feeds read from outside the job: buckets, URLs, the Worker's bindings, compressed bytes. Beside
 * ObjectContext, because only sources need it; logic sees the platform through it just the same.
 */
export interface Inputs {
  /** Throws when the Worker has no bucket bound under this name. */
  bucket(binding: string): InputBucket;
  /** The body behind a URL. Rejects for any status but 2xx, and for more than `limitBytes`. */
  fetchBody(url: string, limitBytes: number): Promise<Uint8Array>;
  decompressor(format: CompressedFormat): Decompressor;
  readonly isUtf8: (bytes: Uint8Array) => boolean;
  readonly bindings: Readonly<Record<string, unknown>>;
}

export type CompressedFormat = "gzip" | "zstd";

/** An R2 bucket, read only. Calls reject when it does not answer: they may be made again. */
export interface InputBucket {
  /** The next objects after the key `after`, in the order of keys; `isEnd`: there are no more now. */
  list(options: { readonly prefix: string; readonly after: string | undefined }): Promise<{
    readonly objects: readonly InputObject[];
    readonly isEnd: boolean;
  }>;
  /** `length` bytes at `offset`, both within the object. */
  read(
    object: Pick<InputObject, "key" | "etag">,
    offset: number,
    length: number,
  ): Promise<ObjectRead>;
}

export interface InputObject {
  readonly key: string;
  readonly etag: string;
  readonly size: number;
}

export type ObjectRead =
  | {
      readonly kind: "bytes";
      readonly bytes: Uint8Array;
      readonly contentEncoding: string | undefined;
    }
  /** It has another etag now, or is not there any more. */
  | { readonly kind: "changed" | "gone" };

/** Decompresses one object from its beginning. */
export interface Decompressor {
  /** What these bytes make, in order. Rejects for bytes that are not of the format. One call at a time. */
  push(bytes: Uint8Array): Promise<readonly Uint8Array[]>;
  /** What is left. Rejects when the object ends too early or its checksum is wrong. */
  finish(): Promise<readonly Uint8Array[]>;
  close(): void;
}

/** For a source whose job has no feeds. */
export const noInputs: Inputs = {
  bucket: () => refuse("a bucket"),
  fetchBody: () => refuse("a URL"),
  decompressor: () => refuse("compressed objects"),
  isUtf8: () => refuse("text"),
  bindings: {},
};

function refuse(what: string): never {
  throw new Error(`A feed wants ${what}, and this source was made without inputs.`);
}
