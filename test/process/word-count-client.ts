/** What the process tests say to a running word count, and the count to compare with. */
import { readFileSync } from "node:fs";
import type { RuntimeProcess } from "../../cli/runtime-process.ts";
import { type StateEntry, WeirClient } from "../../cli/weir-client.ts";

export const linesPath = "/jobs/wordcount/lines";
export const countsPath = "/jobs/wordcount/state/counts";

/** A real text of some 50 KB with all that real text has: punctuation, non-ASCII letters, empty lines. */
export function realText(): string {
  return readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
}

export interface Posting {
  readonly producer?: string;
  readonly sequence?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function post(
  runtime: RuntimeProcess,
  body: string | Uint8Array<ArrayBuffer>,
  { producer, sequence, headers }: Posting = {},
): Promise<Response> {
  return await runtime.fetch(linesPath, {
    method: "POST",
    body,
    headers: {
      ...(producer !== undefined && { "Producer-Id": producer }),
      ...(sequence !== undefined && { "Producer-Sequence": String(sequence) }),
      ...headers,
    },
  });
}

/** Every entry of the counts, page by page, in the order they came. */
export async function scanCounts(runtime: RuntimeProcess, query = ""): Promise<StateEntry[]> {
  const parameters = Object.fromEntries(new URLSearchParams(query));
  const entries: StateEntry[] = [];
  const client = new WeirClient({ url: runtime.url });
  for await (const entry of client.scan("wordcount", "counts", parameters)) entries.push(entry);
  return entries;
}

export async function countsOf(runtime: RuntimeProcess, query = ""): Promise<Map<string, number>> {
  const entries = await scanCounts(runtime, query);
  return new Map(entries.map(({ key, value }) => [String(key), value as number]));
}

/** Waits while a partition that woke up is catching up. Throws for every answer but 2xx. */
export async function answered(
  runtime: RuntimeProcess,
  path: string,
  request?: RequestInit,
): Promise<Response> {
  return await new WeirClient({ url: runtime.url }).send(path, request);
}
