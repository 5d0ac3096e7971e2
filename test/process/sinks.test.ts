/** Sinks against what they are for: real buckets and queues in workerd, real HTTP that breaks, and kills. */
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import type { RuntimeProcess } from "../../cli/runtime-process.ts";
import { WeirClient } from "../../cli/weir-client.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { startRuntime, temporaryDirectory } from "../support/runtime.ts";
import { SinkListener, signingSecret } from "./sink-listener.ts";
import { countOf, countsOf, delivered, filesOf, wordsIn, wordsInFiles } from "./sink-results.ts";

const seed = 20_261_123;
const script = new URL("sink-runtime.ts", import.meta.url);

async function listen(): Promise<SinkListener> {
  const listener = await SinkListener.start(seed);
  onTestFinished(() => listener.stop());
  return listener;
}

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

test("[SK1] files, a webhook and two jobs get every result once while the runtime is killed and connections break", async () => {
  const listener = await listen();
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
  const client = new WeirClient({ url: runtime.url });
  const sinks = await delivered(client, "words");
  expect(sinks.each.map(({ kind, name }) => [name, kind])).toEqual([
    ["hook", "webhook"],
    ["files", "r2Files"],
    ["straight", "weirJob"],
    ["over-http", "weirJob"],
  ]);
  expect(JSON.stringify(sinks)).not.toContain(signingSecret);
  const expected = countOf(words);
  expect(await countsOf(client, "straight-counts")).toEqual(expected);
  expect(await countsOf(client, "http-counts")).toEqual(expected);
  expect(countOf([...listener.bodies.values()].flatMap(wordsIn))).toEqual(expected);
  expect(countOf(wordsInFiles(await filesOf(client)))).toEqual(expected);
  expect(listener.errors).toEqual([]);
  expect(listener.broken).toBeGreaterThanOrEqual(2);
}, 180_000);

test("[SK4] a queue gets the newest count of every word, in messages with ids that tell repeats", async () => {
  const listener = await listen();
  const runtime = await start(temporaryDirectory(), listener);
  const words = wordsOf(2_000);
  for (let sequence = 0; sequence < 4; sequence++) {
    await post(runtime, "messages", {
      sequence,
      words: words.slice(sequence * 500, (sequence + 1) * 500),
    });
  }
  await delivered(new WeirClient({ url: runtime.url }), "messages");
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
