/**
 * Read-only BlobStore over HTTP: a Weir server's `GET /jobs/{job}/blobs/{path}`, or anything that serves
 * the paths of a bucket and knows ranges (RFC 9110, section 14).
 *
 * Promise: the reading half of blob-store.ts. An answer is checked to be the range that was asked for; a
 * server that ignores ranges answers the whole blob, of which the range is cut.
 * Does not write, delete or list (manifests name the blobs), retry or cache (put CachingBlobStore in front).
 */
import { StateEngineError } from "../errors.ts";
import type { BlobEntry, BlobStore } from "./blob-store.ts";
import { assertBlobPath } from "./paths.ts";

export interface HttpBlobStoreOptions {
  /** What paths are appended to, with its last slash: "https://weir.example.com/jobs/wordcount/blobs/". */
  readonly baseUrl: string;
  /** The platform's fetch. */
  readonly fetch: Fetch;
  /** Sent with every request, such as Authorization. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is used of the platform's fetch. */
export type Fetch = (
  url: string,
  request: { readonly method: "GET" | "HEAD"; readonly headers: Record<string, string> },
) => Promise<HttpAnswer>;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  arrayBuffer(): Promise<ArrayBuffer>;
}

export class HttpBlobStore implements BlobStore {
  readonly #options: HttpBlobStoreOptions;

  constructor(options: HttpBlobStoreOptions) {
    this.#options = options;
  }

  async get(path: string): Promise<Uint8Array | undefined> {
    return await this.#request({ method: "GET", path }, async (answer) => {
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (answer.status === 200) return bytes;
      return absentOrThrow(answer);
    });
  }

  async getRange(path: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    // A Range header cannot ask for zero bytes.
    if (length === 0) return await this.#emptyRange(path);
    const last = offset + length - 1;
    const range = `bytes=${offset}-${last}`;
    return await this.#request({ method: "GET", path, range }, async (answer) => {
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (answer.status === 206) {
        checkRange({ offset, last }, bytes, answer.headers.get("Content-Range"));
        return bytes;
      }
      if (answer.status === 200) return bytes.slice(offset, last + 1);
      // Begins at or beyond the end.
      if (answer.status === 416) return new Uint8Array();
      return absentOrThrow(answer);
    });
  }

  put(path: string): Promise<"written" | "exists"> {
    return Promise.reject(readOnly(`write ${path}`));
  }

  list(prefix: string): Promise<readonly BlobEntry[]> {
    return Promise.reject(readOnly(`list ${prefix}`));
  }

  delete(paths: readonly string[]): Promise<void> {
    return Promise.reject(readOnly(`delete ${paths.length} blobs`));
  }

  async #emptyRange(path: string): Promise<Uint8Array | undefined> {
    return await this.#request({ method: "HEAD", path }, async (answer) => {
      await answer.arrayBuffer();
      return answer.status === 200 ? new Uint8Array() : absentOrThrow(answer);
    });
  }

  async #request(
    request: { readonly method: "GET" | "HEAD"; readonly path: string; readonly range?: string },
    read: (answer: HttpAnswer) => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array | undefined> {
    const { method, path, range } = request;
    assertBlobPath(path);
    const { baseUrl, fetch, headers } = this.#options;
    const url = `${baseUrl}${path}`;
    try {
      const answer = await fetch(url, {
        method,
        headers: { ...headers, ...(range !== undefined && { Range: range }) },
      });
      return await read(answer);
    } catch (cause) {
      const message = `${method} ${url} failed${range === undefined ? "" : ` for ${range}`}.`;
      throw new StateEngineError("unavailable", message, { cause });
    }
  }
}

function absentOrThrow({ status }: HttpAnswer): undefined {
  if (status === 404) return undefined;
  const remedy = status === 401 || status === 403 ? " Send a token that allows reading." : "";
  throw new Error(`The server answered with status ${status}.${remedy}`);
}

/** Throws when the bytes are not the range, clipped to the end of the blob (RFC 9110, section 14.4). */
function checkRange(
  asked: { readonly offset: number; readonly last: number },
  bytes: Uint8Array,
  contentRange: string | null,
): void {
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? "") ?? [];
  const isAsked =
    Number(first) === asked.offset &&
    Number(last) === Math.min(asked.last, Number(size) - 1) &&
    bytes.length === Number(last) - asked.offset + 1;
  if (!isAsked) {
    throw new Error(
      `The server answered ${bytes.length} bytes as ${JSON.stringify(contentRange)} ` +
        `when it was asked for bytes ${asked.offset}-${asked.last}.`,
    );
  }
}

function readOnly(doing: string): StateEngineError {
  return new StateEngineError(
    "invalid",
    `A store read over HTTP cannot ${doing}: it is read-only.`,
  );
}
