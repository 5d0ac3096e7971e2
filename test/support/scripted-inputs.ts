/**
 * Inputs for tests in Node: a bucket in memory, answers by URL, and decompression that is synchronous, so
 * that a simulated world owns everything that takes time. Calls go through `call`, which may delay them or
 * let them fail.
 */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { Gunzip } from "fflate";
import { Decompress } from "fzstd";
import type {
  CompressedFormat,
  Decompressor,
  InputBucket,
  Inputs,
} from "../../durable-objects/inputs.ts";

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly contentEncoding: string | undefined;
}

export interface ScriptedInputsOptions {
  /** Objects in one answer to list(). Default: 1000, as in R2. */
  readonly pageSize?: number;
  readonly call?: InputCall;
}

export type InputCall = <Answer>(what: string, answer: () => Answer) => Promise<Answer>;

export class ScriptedInputs implements Inputs {
  readonly objects: Map<string, StoredObject>;
  readonly answers: Map<string, () => string>;
  readonly bindings = {};
  readonly isUtf8 = isUtf8;
  /** Calls by what they did. */
  readonly calls: string[];
  /** Told of each call before it is answered: changes what is there in the middle of everything. */
  readonly listeners: ((what: string) => void)[];
  readonly #options: ScriptedInputsOptions;

  constructor(options: ScriptedInputsOptions = {}, shared?: ScriptedInputs) {
    this.#options = options;
    this.objects = shared?.objects ?? new Map();
    this.answers = shared?.answers ?? new Map();
    this.calls = shared?.calls ?? [];
    this.listeners = shared?.listeners ?? [];
  }

  /** The same world, asked in another way. */
  through(call: InputCall): ScriptedInputs {
    return new ScriptedInputs({ ...this.#options, call }, this);
  }

  put(key: string, content: string | Uint8Array, contentEncoding?: string): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const etag = createHash("md5").update(bytes).digest("hex");
    this.objects.set(key, { bytes, etag, contentEncoding });
  }

  bucket(binding: string): InputBucket {
    return {
      list: ({ after, prefix }) =>
        this.#call(`list ${binding} after ${after ?? ""}`, () => {
          const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
          const rest = after === undefined ? keys : keys.filter((key) => key > after);
          const page = rest.slice(0, this.#options.pageSize ?? 1_000);
          const objects = page.map((key) => {
            const { bytes, etag } = this.objects.get(key)!;
            return { key, etag, size: bytes.length };
          });
          return { objects, isEnd: page.length === rest.length };
        }),
      read: ({ etag, key }, offset, length) =>
        this.#call(`read ${key} at ${offset}`, () => {
          const object = this.objects.get(key);
          if (object === undefined) return { kind: "gone" };
          if (object.etag !== etag) return { kind: "changed" };
          const bytes = object.bytes.slice(offset, offset + length);
          return { kind: "bytes", bytes, contentEncoding: object.contentEncoding };
        }),
    };
  }

  fetchBody(url: string): Promise<Uint8Array> {
    return this.#call(`fetch ${url}`, () => {
      const answer = this.answers.get(url);
      if (answer === undefined) throw new Error(`${url} answered 404.`);
      return new TextEncoder().encode(answer());
    });
  }

  decompressor(format: CompressedFormat): Decompressor {
    return new SynchronousDecompressor(format);
  }

  async #call<Answer>(what: string, answer: () => Answer): Promise<Answer> {
    this.calls.push(what);
    for (const listener of this.listeners) listener(what);
    if (this.#options.call !== undefined) return await this.#options.call(what, answer);
    return answer();
  }
}

/** Streams of fflate and fzstd answer at once; whether the whole was right, Node says at the end. */
class SynchronousDecompressor implements Decompressor {
  readonly #format: CompressedFormat;
  readonly #stream: { push(bytes: Uint8Array, isLast?: boolean): unknown };
  readonly #compressed: Uint8Array[] = [];
  #decoded: Uint8Array[] = [];

  constructor(format: CompressedFormat) {
    this.#format = format;
    const take = (bytes: Uint8Array): void => void this.#decoded.push(bytes.slice());
    this.#stream = format === "gzip" ? new Gunzip(take) : new Decompress(take);
  }

  async push(bytes: Uint8Array): Promise<readonly Uint8Array[]> {
    this.#compressed.push(bytes.slice());
    this.#stream.push(bytes);
    return this.#take();
  }

  async finish(): Promise<readonly Uint8Array[]> {
    const whole = Buffer.concat(this.#compressed);
    if (this.#format === "gzip") gunzipSync(whole);
    else zstdDecompressSync(whole, { maxOutputLength: 2 ** 30, chunkSize: 65_536 });
    return this.#take();
  }

  close(): void {}

  #take(): readonly Uint8Array[] {
    const decoded = this.#decoded;
    this.#decoded = [];
    return decoded;
  }
}
