/**
 * How much of a plain loop's speed is left once every line is durable, every count is exact under any
 * crash, and a checkpoint in the bucket covers everything.
 *
 * One round of Weir: a fresh runtime; one client posts bodies of 1 MB one after another, then asks for
 * a checkpoint; the clock runs from the first POST to the completed checkpoint. One round of the plain
 * loop: the same bytes in the same runtime, split and counted into a Map, timed inside. Rounds
 * alternate, so that a machine that slows down slows both.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuntimeProcess } from "../../cli/runtime-process.ts";
import { bodiesOf, countWords, manyWordsText, naturalText } from "../texts.ts";
import { PlainLoop } from "./plain-loop.ts";

const COPIES = 3;
const PRODUCER = "benchmark";

export interface ThroughputResult {
  readonly text: string;
  readonly megabytes: number;
  readonly words: number;
  readonly distinct: number;
  /** Milliseconds of each round. */
  readonly plain: readonly number[];
  readonly weir: readonly number[];
}

export async function measureThroughput(rounds: number): Promise<ThroughputResult[]> {
  const texts = [
    { name: "natural English", content: naturalText() },
    { name: "150,000 distinct words", content: manyWordsText() },
  ];
  const results: ThroughputResult[] = [];
  for (const { name, content } of texts) results.push(await measureText(name, content, rounds));
  return results;
}

async function measureText(text: string, content: string, rounds: number) {
  const bodies = Array.from({ length: COPIES }, () => bodiesOf(content)).flat();
  const counts = countWords(content);
  const words = COPIES * [...counts.values()].reduce((sum, count) => sum + count, 0);
  const plainLoop = await PlainLoop.start(bodies);
  const plain: number[] = [];
  const weir: number[] = [];
  try {
    await plainLoop.count(words);
    for (let round = 0; round < rounds; round++) {
      plain.push(await plainLoop.count(words));
      weir.push(await weirRound(bodies, counts));
    }
  } finally {
    await plainLoop.stop();
  }
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
  return { text, megabytes: bytes / 1e6, words, distinct: counts.size, plain, weir };
}

async function weirRound(bodies: readonly Uint8Array[], counts: ReadonlyMap<string, number>) {
  const directory = mkdtempSync(join(tmpdir(), "weir-bench-"));
  const parameters = ["--checkpoint-interval", "2000"];
  const runtime = await RuntimeProcess.start({ directory, parameters });
  try {
    // The first request of a process pays for compiling the code: not what is measured here.
    await post(runtime, "warm-up", 0, new TextEncoder().encode("warm up\n"));
    await checkpoint(runtime);
    const begin = performance.now();
    for (const [sequence, body] of bodies.entries()) await post(runtime, PRODUCER, sequence, body);
    await checkpoint(runtime);
    const milliseconds = performance.now() - begin;
    await expectCounts(runtime, counts);
    return milliseconds;
  } finally {
    await runtime.kill();
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function post(runtime: RuntimeProcess, producer: string, sequence: number, body: Uint8Array) {
  const headers = { "Producer-Id": producer, "Producer-Sequence": String(sequence) };
  const response = await runtime.fetch("/jobs/wordcount/lines", {
    method: "POST",
    headers,
    body: body as Uint8Array<ArrayBuffer>,
  });
  if (response.status !== 200) throw new Error(`POST was answered ${await response.text()}`);
  await response.arrayBuffer();
}

async function checkpoint(runtime: RuntimeProcess): Promise<void> {
  const response = await runtime.fetch("/jobs/wordcount/checkpoints?wait=60", { method: "POST" });
  const detail = (await response.json()) as { status?: string };
  if (detail.status !== "COMPLETED") throw new Error(`The checkpoint: ${JSON.stringify(detail)}`);
}

/** A fast wrong answer is worth nothing: the most frequent words must be exact. */
async function expectCounts(runtime: RuntimeProcess, counts: ReadonlyMap<string, number>) {
  const expected = [...counts].sort((one, other) => other[1] - one[1]).slice(0, 20);
  for (const [word, count] of expected) {
    const response = await runtime.fetch(`/jobs/wordcount/state/counts/${word}`);
    const { value } = (await response.json()) as { value: number };
    const warmUp = word === "up" || word === "warm" ? 1 : 0;
    if (value !== count * COPIES + warmUp) {
      throw new Error(`The count of "${word}" is ${value}, not ${count * COPIES + warmUp}.`);
    }
  }
}
