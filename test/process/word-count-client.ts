/** What the process tests say to a running word count, and the count to compare with. */
import { readFileSync } from "node:fs";
import type { RuntimeProcess } from "../../cli/runtime-process.ts";

export const linesPath = "/jobs/wordcount/lines";
export const countsPath = "/jobs/wordcount/state/counts";

/** A real text of some 50 KB with all that real text has: punctuation, non-ASCII letters, empty lines. */
export function realText(): string {
  return readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
}

/** Independent of Weir. */
export function countWords(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of text.toLowerCase().match(/\w+/g) ?? []) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
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

export interface Entry {
  readonly key: string;
  readonly value: number;
}

/** Every entry of the counts, page by page, in the order they came. */
export async function scanCounts(runtime: RuntimeProcess, query = ""): Promise<Entry[]> {
  const entries: Entry[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const next: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const response: Response = await answered(runtime, `${countsPath}?${query}${next}`);
    entries.push(...parseLines(await response.text()));
    cursor = response.headers.get("Next-Cursor");
  }
  return entries;
}

export async function countsOf(runtime: RuntimeProcess, query = ""): Promise<Map<string, number>> {
  return new Map((await scanCounts(runtime, query)).map(({ key, value }) => [key, value]));
}

/** Asks again while the answer is 503: a partition that woke up is catching up. */
export async function answered(
  runtime: RuntimeProcess,
  path: string,
  request?: RequestInit,
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await runtime.fetch(path, request);
    if (response.ok) return response;
    const text = await response.text();
    if (response.status !== 503 || attempt === 100) {
      throw new Error(`${path} was answered ${response.status}: ${text}`);
    }
  }
}

function parseLines(text: string): Entry[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Entry);
}
