/** The whole runtime is killed while lines are being posted; the client sends again what was not answered. */
import { expect, test } from "vitest";
import { startRuntime, temporaryDirectory } from "../support/runtime.ts";
import { countsOf, countWords, post, realText } from "./word-count-client.ts";

const variables = { WEIR_PARALLELISM: "3", WEIR_SOURCES: "2" };
const parameters = ["--checkpoint-interval", "50"];
const producers = ["ann", "bob", "cyd"];
const bodiesPerProducer = 12;

test("counts stay exact when the runtime is killed in the middle of posting", async () => {
  const directory = temporaryDirectory();
  const start = () => startRuntime({ directory, variables, parameters });
  const body = realText();
  const next = new Map(producers.map((producer) => [producer, 0]));
  const postAll = async (runtime: RuntimeProcess, killAfter: number) => {
    const until = { answers: killAfter };
    await Promise.all(
      producers.map((producer) => postUntilKilled(runtime, { producer, next, body, until })),
    );
  };
  for (const killAfter of [3, 9, 14]) await postAll(await start(), killAfter);
  const runtime = await start();
  await postAll(runtime, Infinity);
  expect([...next.values()]).toEqual(producers.map(() => bodiesPerProducer));
  const text = Array.from({ length: producers.length * bodiesPerProducer }, () => body);
  expect(await countsOf(runtime)).toEqual(countWords(text.join("\n")));
}, 120_000);

interface Client {
  readonly producer: string;
  /** By producer, the sequence of the first body not yet answered. */
  readonly next: Map<string, number>;
  readonly body: string;
  /** Whoever gets the last of these answers kills the runtime while the others' bodies are under way. */
  readonly until: { answers: number };
}

async function postUntilKilled(runtime: RuntimeProcess, client: Client): Promise<void> {
  const { producer, next, body, until } = client;
  while (next.get(producer)! < bodiesPerProducer && until.answers > 0) {
    const sequence = next.get(producer)!;
    const response = await post(runtime, body, { producer, sequence }).catch(() => undefined);
    // Killed: nobody knows whether this body is in.
    if (response === undefined) return;
    expect([response.status, await response.text()]).toMatchObject([200, expect.any(String)]);
    next.set(producer, sequence + 1);
    until.answers--;
    if (until.answers === 0) await runtime.kill();
  }
}
