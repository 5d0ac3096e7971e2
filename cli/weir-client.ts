/**
 * Talks to a running Weir over its public HTTP interface (SPEC.md), for everything a person runs: the
 * `weir` command, the demonstration, the tests.
 *
 * Promise: an answer of 429 or 503 is waited out and the request repeated, up to `patienceMs`, for
 * requests that may be repeated; every other refusal becomes a WeirRequestError with the reason the
 * server gave. A connection that breaks is the caller's to judge.
 */
import { setTimeout as wait } from "node:timers/promises";

export interface WeirClientOptions {
  readonly url: string;
  /** Sent as a bearer token. */
  readonly token?: string;
  /** How long to repeat what is refused for now. Default: 60 s. */
  readonly patienceMs?: number;
}

export interface StateEntry {
  readonly key: string | number;
  /** Of the contents of a window: ms since the epoch, null where it has no bound. */
  readonly window?: { readonly start: number | null; readonly end: number | null };
  /** Of an entry of a map. */
  readonly mapKey?: string | number;
  /** Of an element of a list. */
  readonly index?: number;
  /** Absent for a list of more than 4 MiB. */
  readonly value?: unknown;
}

export interface StatePage {
  readonly entries: readonly StateEntry[];
  /** Where the next page begins; undefined when there is none. */
  readonly next: string | undefined;
}

export class WeirRequestError extends Error {
  override readonly name = "WeirRequestError";
  readonly status: number;
  /** The problem the server answered (RFC 9457), as far as it is one. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(request: string, status: number, problem: Readonly<Record<string, unknown>>) {
    const { detail } = problem;
    const reason = typeof detail === "string" ? detail : "no reason was given";
    super(`${request} was answered ${status}: ${reason}`);
    this.status = status;
    this.problem = problem;
  }
}

const LONGEST_WAIT_MS = 1_000;

export class WeirClient {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #patienceMs: number;

  constructor({ url, token, patienceMs = 60_000 }: WeirClientOptions) {
    this.url = url.replace(/\/+$/, "");
    this.#headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    this.#patienceMs = patienceMs;
  }

  /** Resolves with an answer of 2xx; throws WeirRequestError for any other. */
  async send(path: string, request: RequestInit = {}): Promise<Response> {
    const giveUpAt = performance.now() + this.#patienceMs;
    for (let attempt = 1; ; attempt++) {
      const headers = { ...this.#headers, ...(request.headers as Record<string, string>) };
      const response = await fetch(`${this.url}${path}`, { ...request, headers });
      if (response.ok) return response;
      const text = await response.text();
      const isPassing = response.status === 429 || response.status === 503;
      const waitMs = Math.min(
        LONGEST_WAIT_MS,
        1_000 * Number(response.headers.get("Retry-After") ?? 1),
        100 * attempt,
      );
      if (!isPassing || performance.now() + waitMs > giveUpAt) {
        const name = `${request.method ?? "GET"} ${path}`;
        throw new WeirRequestError(name, response.status, problemOf(text));
      }
      await wait(waitMs);
    }
  }

  async json<Answer = Readonly<Record<string, unknown>>>(
    path: string,
    request?: RequestInit,
  ): Promise<Answer> {
    return (await (await this.send(path, request)).json()) as Answer;
  }

  async postJson<Answer = Readonly<Record<string, unknown>>>(
    path: string,
    body: unknown = {},
  ): Promise<Answer> {
    return await this.json<Answer>(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  /** Every entry of a state, page by page, in the order asked for. */
  async *scan(
    job: string,
    state: string,
    query: Readonly<Record<string, string>> = {},
  ): AsyncGenerator<StateEntry, void, undefined> {
    const path = `/jobs/${encodeURIComponent(job)}/state/${encodeURIComponent(state)}`;
    let cursor: string | undefined;
    do {
      const page = await this.entries(path, { ...query, ...(cursor !== undefined && { cursor }) });
      yield* page.entries;
      cursor = page.next;
    } while (cursor !== undefined);
  }

  /** One page of a state, or of what one key holds: what GET `path` answers. */
  async entries(path: string, query: Readonly<Record<string, string>>): Promise<StatePage> {
    const response = await this.send(`${path}?${new URLSearchParams(query).toString()}`);
    const lines = (await response.text()).split("\n").filter((line) => line !== "");
    const next = response.headers.get("Next-Cursor") ?? undefined;
    return { entries: lines.map((line) => JSON.parse(line) as StateEntry), next };
  }
}

function problemOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : { detail: text };
  } catch {
    return { detail: text };
  }
}
