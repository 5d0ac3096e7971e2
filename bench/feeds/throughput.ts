/**
 * How fast r2Objects reads, beside the same bytes posted as lines to the same job in the same runtime.
 *
 * One round: a fresh runtime whose bucket holds the text in every layout. The clock of the posted lines
 * runs from the first POST of 1 MB to the checkpoint that covers them; that of a feed from the question
 * that wakes its job to FINISHED, which is a checkpoint of everything, too.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { RuntimeProcess } from "../../cli/runtime-process.ts";
import { WeirClient } from "../../cli/weir-client.ts";
import { bodiesOf, manyWordsText } from "../texts.ts";
import { layouts } from "./layouts.ts";
import type { Layout } from "./layouts.ts";

export interface FeedThroughput {
  readonly megabytes: number;
  /** Milliseconds of each round, by "posted" and the names of the layouts. */
  readonly times: ReadonlyMap<string, readonly number[]>;
}

const compressions = {
  none: (bytes: Uint8Array) => bytes,
  gzip: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)),
  zstd: (bytes: Uint8Array) => {
    const options = { params: {}, pledgedSrcSize: bytes.length, chunkSize: 65_536 };
    return new Uint8Array(zstdCompressSync(bytes, options));
  },
};

export async function measureFeeds(rounds: number): Promise<FeedThroughput> {
  const text = manyWordsText(27_000_000);
  const times = new Map<string, number[]>([
    ["posted", []],
    ...layouts.map(({ name }): [string, number[]] => [name, []]),
  ]);
  for (let round = 0; round < rounds; round++) {
    const measured = await measureRound(text);
    for (const [name, milliseconds] of measured) times.get(name)!.push(milliseconds);
  }
  return { megabytes: Buffer.byteLength(text) / 1e6, times };
}

async function measureRound(text: string): Promise<readonly [name: string, number][]> {
  const directory = mkdtempSync(join(tmpdir(), "weir-bench-"));
  const script = new URL("feed-runtime.ts", import.meta.url);
  const runtime = await RuntimeProcess.start({ directory, script });
  try {
    const client = new WeirClient({ url: runtime.url, patienceMs: 120_000 });
    for (const layout of layouts) await store(client, layout, text);
    const posted = await postedTime(client, bodiesOf(text));
    const measured: [name: string, number][] = [["posted", posted]];
    for (const { name } of layouts) measured.push([name, await fedTime(client, name)]);
    const lines = text.split("\n").length - 1;
    for (const [name] of measured) await expectLines(client, name, lines);
    return measured;
  } finally {
    await runtime.kill();
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function store(client: WeirClient, layout: Layout, text: string): Promise<void> {
  const extension = { none: "txt", gzip: "gz", zstd: "zst" }[layout.compression];
  const size = Math.ceil(Buffer.byteLength(text) / layout.objects);
  for (const [index, bytes] of bodiesOf(text, size).entries()) {
    const key = `${layout.name}/${String(index).padStart(5, "0")}.${extension}`;
    const body = compressions[layout.compression](bytes) as Uint8Array<ArrayBuffer>;
    await client.send(`/test/objects/${key}`, { method: "PUT", body });
  }
}

async function postedTime(client: WeirClient, bodies: readonly Uint8Array[]): Promise<number> {
  // The first lines of a job pay for compiling its code: not what is measured here.
  await client.send("/jobs/posted/lines", { method: "POST", body: "warm up" });
  await client.send("/jobs/posted/checkpoints?wait=60", { method: "POST" });
  const begin = performance.now();
  for (const [sequence, body] of bodies.entries()) {
    const headers = { "Producer-Id": "benchmark", "Producer-Sequence": String(sequence) };
    const request = { method: "POST", headers, body: body as Uint8Array<ArrayBuffer> };
    await client.send("/jobs/posted/lines", request);
  }
  const detail = await client.postJson("/jobs/posted/checkpoints?wait=60");
  if (detail["status"] !== "COMPLETED")
    throw new Error(`The checkpoint: ${JSON.stringify(detail)}`);
  return performance.now() - begin;
}

async function fedTime(client: WeirClient, job: string): Promise<number> {
  const begin = performance.now();
  for (;;) {
    const { status } = await client.json(`/jobs/${job}`);
    if (status === "FINISHED") return performance.now() - begin;
    if (status !== "RUNNING") throw new Error(`Job "${job}" is ${String(status)}.`);
    await wait(20);
  }
}

/** A fast wrong answer is worth nothing. */
async function expectLines(client: WeirClient, job: string, lines: number): Promise<void> {
  const { sources } = await client.json<{ sources: readonly { committed: number }[] }>(
    `/jobs/${job}`,
  );
  const committed = sources.reduce((sum, source) => sum + source.committed, 0);
  const expected = job === "posted" ? lines + 1 : lines;
  if (committed !== expected) {
    throw new Error(`Job "${job}" committed ${committed} lines, not ${expected}.`);
  }
}
