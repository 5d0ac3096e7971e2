/** What the sinks of test/workerd/sink-worker.ts have delivered, and whether it is whole. */
import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { WeirClient } from "../../cli/weir-client.ts";

export type Counts = Readonly<Record<string, number>>;

export interface Sinks {
  readonly uncommittedCheckpoints: number;
  readonly each: readonly { readonly name: string; readonly kind: string }[];
}

/** Everything posted is in a completed checkpoint, and every sink has committed it. */
export async function delivered(
  client: WeirClient,
  job: string,
  patienceMs = 60_000,
): Promise<Sinks> {
  await client.send(`/jobs/${job}/checkpoints`, { method: "POST" });
  for (const end = Date.now() + patienceMs; ;) {
    const { sinks } = await client.json<{ sinks: Sinks }>(`/jobs/${job}`);
    if (sinks.uncommittedCheckpoints === 0) return sinks;
    if (Date.now() > end) throw new Error(`Not everything arrived: ${JSON.stringify(sinks)}`);
    await wait(50);
  }
}

/** The counts of a job that a sink feeds, at a new checkpoint. */
export async function countsOf(client: WeirClient, job: string): Promise<Counts> {
  const { id } = await client.json<{ id: number }>(`/jobs/${job}/checkpoints`, { method: "POST" });
  const counts: Record<string, number> = {};
  for await (const { key, value } of client.scan(job, "counts", { checkpoint: String(id) })) {
    counts[String(key)] = value as number;
  }
  return counts;
}

export function countOf(words: readonly string[]): Counts {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

export function wordsIn(ndjson: string): readonly string[] {
  return ndjson
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { word: string }).word);
}

/** The bucket of the files, text by key, page by page. */
export async function filesOf(client: WeirClient): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (let after = ""; ;) {
    const page = await client.json<Record<string, string>>(
      `/test/files?after=${encodeURIComponent(after)}`,
    );
    const entries = Object.entries(page);
    for (const [key, text] of entries) files.set(key, text);
    if (entries.length === 0) return files;
    after = entries.at(-1)![0];
  }
}

interface FilesManifest {
  readonly checkpoint: number;
  readonly records: number;
  readonly files: readonly { readonly key: string; readonly records: number }[];
}

/** The words of all files. Throws when manifests and files are not exactly one another's. */
export function wordsInFiles(files: ReadonlyMap<string, string>): readonly string[] {
  const manifests = [...files]
    .filter(([key]) => key.startsWith("words/_manifests/"))
    .map(([, text]) => JSON.parse(text) as FilesManifest);
  assert.equal(new Set(manifests.map(({ checkpoint }) => checkpoint)).size, manifests.length);
  const listed = manifests.flatMap((manifest) => manifest.files);
  assert.equal(new Set(listed.map(({ key }) => key)).size, listed.length);
  assert.equal(listed.length + manifests.length, files.size);
  return listed.flatMap(({ key, records }) => {
    const words = wordsIn(files.get(key)!);
    assert.equal(words.length, records, `${key} has ${words.length} records, not ${records}.`);
    return words;
  });
}
