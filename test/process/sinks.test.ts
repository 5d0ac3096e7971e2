/** Sinks against what they are for: real buckets and queues in workerd, real HTTP that breaks, and kills. */
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import type { RuntimeProcess } from "../../cli/runtime-process.ts";
import { WeirClient } from "../../cli/weir-client.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { startRuntime, temporaryDirectory } from "../support/runtime.ts";
import { SinkListener, signingSecret } from "./sink-listener.ts";

const seed = 20_261_123;
const script = new URL("sink-runtime.ts", import.meta.url);

async function start(directory: string, listener: SinkListener): Promise<RuntimeProcess> {
  const variables = { LISTENER: listener.url, SIGNING: signingSecret };
  const runtime = await startRuntime({ directory, script, variables });
  listener.runtime = runtime.url;
  return runtime;
}

function wordsOf(count: number): readonly string[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () =>
    "abcdefghijklmnopqrstuvwxyz".slice(random.integer(20), 21),
  );
}

/** Every body is sent until it is answered, with its own sequence. */
async function post(
  runtime: RuntimeProcess,
  job: string,
  { sequence, words }: { sequence: number; words: readonly string[] },
): Promise<void> {
  await new WeirClient({ url: runtime.url }).send(`/jobs/${job}/lines`, {
    method: "POST",
    body: words.join("\n"),
    headers: { "Producer-Id": "test", "Producer-Sequence": String(sequence) },
  });
}

interface Sinks {
  readonly uncommittedCheckpoints: number;
  readonly each: readonly { readonly name: string; readonly kind: string }[];
}

/** Everything posted is in a completed checkpoint, and every sink has committed it. */
async function delivered({ url }: RuntimeProcess, job: string): Promise<void> {
  const client = new WeirClient({ url });
  await client.send(`/jobs/${job}/checkpoints`, { method: "POST" });
  for (const end = Date.now() + 60_000; ;) {
    const { sinks } = await client.json<{ sinks: Sinks }>(`/jobs/${job}`);
    if (sinks.uncommittedCheckpoints === 0) return;
    if (Date.now() > end) throw new Error(`Not everything arrived: ${JSON.stringify(sinks)}`);
    await wait(50);
  }
}

async function countsOf({ url }: RuntimeProcess, job: string): Promise<Record<string, number>> {
  const client = new WeirClient({ url });
  const { id } = await client.json<{ id: number }>(`/jobs/${job}/checkpoints`, { method: "POST" });
  const counts: Record<string, number> = {};
  for await (const { key, value } of client.scan(job, "counts", { checkpoint: String(id) })) {
    counts[String(key)] = value as number;
  }
  return counts;
}

function countOf(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

const wordsIn = (ndjson: string) =>
  ndjson
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { word: string }).word);

test("[SK1] files, a webhook and two jobs get every result once while the runtime is killed and connections break", async () => {
  const listener = await SinkListener.start(seed);
  const directory = temporaryDirectory();
  const words = wordsOf(2_000);
  let runtime = await start(directory, listener);
  for (let part = 0; part < 2; part++) {
    for (let batch = 0; batch < 5; batch++) {
      const sequence = part * 5 + batch;
      const from = sequence * 200;
      await post(runtime, "words", { sequence, words: words.slice(from, from + 200) });
      await wait(60);
    }
    if (part === 1) break;
    await runtime.kill();
    runtime = await start(directory, listener);
  }
  await delivered(runtime, "words");
  const { sinks } = await new WeirClient({ url: runtime.url }).json<{ sinks: Sinks }>(
    "/jobs/words",
  );
  expect(sinks.each.map(({ kind, name }) => [name, kind])).toEqual([
    ["hook", "webhook"],
    ["files", "r2Files"],
    ["straight", "weirJob"],
    ["over-http", "weirJob"],
  ]);
  expect(JSON.stringify(sinks)).not.toContain(signingSecret);
  const expected = countOf(words);
  expect(await countsOf(runtime, "straight-counts")).toEqual(expected);
  expect(await countsOf(runtime, "http-counts")).toEqual(expected);
  expect(countOf([...listener.bodies.values()].flatMap(wordsIn))).toEqual(expected);
  const files = (await (await runtime.fetch("/test/files")).json()) as Record<string, string>;
  const manifests = Object.entries(files).filter(([key]) => key.startsWith("words/_manifests/"));
  const listed = manifests.flatMap(
    ([, text]) => (JSON.parse(text) as { files: { key: string; records: number }[] }).files,
  );
  expect(listed.length + manifests.length).toBe(Object.keys(files).length);
  expect(listed.map(({ key }) => wordsIn(files[key]!).length)).toEqual(
    listed.map(({ records }) => records),
  );
  expect(countOf(listed.flatMap(({ key }) => wordsIn(files[key]!)))).toEqual(expected);
  expect(listener.errors).toEqual([]);
  expect(listener.broken).toBeGreaterThanOrEqual(2);
}, 180_000);

test("[SK4] a queue gets the newest count of every word, in messages with ids that tell repeats", async () => {
  const listener = await SinkListener.start(seed);
  const runtime = await start(temporaryDirectory(), listener);
  const words = wordsOf(2_000);
  for (let sequence = 0; sequence < 4; sequence++) {
    await post(runtime, "messages", {
      sequence,
      words: words.slice(sequence * 500, (sequence + 1) * 500),
    });
  }
  await delivered(runtime, "messages");
  const expected = countOf(words);
  const newest = (): Record<string, number> => {
    const values = [...listener.messages.values()].toSorted(
      (one, other) => one.checkpoint - other.checkpoint,
    );
    return Object.fromEntries(values.map(({ key, value }) => [key, value]));
  };
  while (!isDeepStrictEqual(newest(), expected)) {
    await wait(50);
  }
  expect(listener.messages.size).toBeGreaterThanOrEqual(Object.keys(expected).length);
  expect(listener.errors).toEqual([]);
}, 120_000);
