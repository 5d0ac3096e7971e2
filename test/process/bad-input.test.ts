/** Input that is wrong is answered as the contract says, and what was right is counted exactly. */
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { countWords } from "../../bench/texts.ts";
import type { RuntimeProcess } from "../../cli/runtime-process.ts";
import { WeirClient } from "../../cli/weir-client.ts";
import { sharedRuntime, startRuntime, temporaryDirectory } from "../support/runtime.ts";
import { answered, countsOf, countsPath, post } from "./word-count-client.ts";
import type { Posting } from "./word-count-client.ts";

const encoder = new TextEncoder();
const long = "x".repeat(2 * 1024 * 1024);
const zipped = new Uint8Array(gzipSync("zipped\n".repeat(10_000)));

interface Case {
  readonly name: string;
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly posting?: Posting;
  readonly status: number;
  readonly members: Readonly<Record<string, unknown>>;
}

const cases: readonly Case[] = [
  {
    name: "a line that is not UTF-8",
    body: Uint8Array.from([...encoder.encode("utf fine\nutf "), 0xff, ...encoder.encode("\nrest")]),
    status: 400,
    members: { accepted: 1, line: 2 },
  },
  {
    name: "a line of 2 MiB",
    body: `long before\n\n${long}\nlong after\n`,
    status: 413,
    members: { accepted: 1, line: 3 },
  },
  {
    name: "gzip that ends early",
    body: zipped.slice(0, zipped.length - 12),
    posting: { headers: { "Content-Encoding": "gzip" } },
    status: 400,
    members: { accepted: 0 },
  },
  {
    name: "something that is not gzip",
    body: "plain",
    posting: { headers: { "Content-Encoding": "gzip" } },
    status: 400,
    members: { accepted: 0 },
  },
  {
    name: "an unknown Content-Encoding",
    body: "plain",
    posting: { headers: { "Content-Encoding": "br" } },
    status: 415,
    members: { accepted: 0 },
  },
  {
    name: "a Producer-Id with a space",
    body: "plain",
    posting: { producer: "no spaces", sequence: 0 },
    status: 400,
    members: { accepted: 0 },
  },
  {
    name: "a Producer-Id without a sequence",
    body: "plain",
    posting: { producer: "alone" },
    status: 400,
    members: { accepted: 0 },
  },
  {
    name: "a sequence above 0 of an unknown producer",
    body: "plain",
    posting: { producer: "unknown", sequence: 3 },
    status: 409,
    members: { expectedSequence: 0 },
  },
];

const running = sharedRuntime();

test("[IN4] [IN5] [IN8] wrong input is answered as the contract says and changes no count", async () => {
  const runtime = running();
  for (const { name, body, posting, status, members } of cases) {
    const response = await post(runtime, body, posting);
    const type = response.headers.get("Content-Type");
    const problem = await response.json();
    expect({ name, type, problem }).toMatchObject({
      name,
      type: "application/problem+json",
      problem: { status, ...members },
    });
    expect(response.status).toBe(status);
  }
  expect(await countsOf(runtime)).toEqual(
    new Map([
      ["utf", 1],
      ["fine", 1],
      ["long", 1],
      ["before", 1],
    ]),
  );
});

test("[IN3] [IN5] wrong input leaves the sequence open, so that the corrected request adds only the rest", async () => {
  const runtime = running();
  const posting = { producer: "careful", sequence: 0 };
  const refused = await post(runtime, `right\n${long}\nlast`, posting);
  expect([refused.status, await refused.json()]).toMatchObject([413, { accepted: 1, line: 2 }]);
  const corrected = await post(runtime, "right\nshort\nlast", posting);
  expect(await corrected.json()).toEqual({ accepted: 2, duplicate: false });
  const repeated = await post(runtime, "right\nshort\nlast", posting);
  expect(await repeated.json()).toEqual({ accepted: 0, duplicate: true });
  const skipping = await post(runtime, "skipped", { producer: "careful", sequence: 2 });
  expect([skipping.status, await skipping.json()]).toMatchObject([409, { expectedSequence: 1 }]);
  for (const word of ["right", "short", "last"]) {
    expect(await (await runtime.fetch(`${countsPath}/${word}`)).json()).toMatchObject({
      value: 1,
    });
  }
  expect((await runtime.fetch(`${countsPath}/skipped`)).status).toBe(404);
});

test("[IN8] every other wrong call is answered by a problem with a reason", async () => {
  const runtime = running();
  const calls: readonly (readonly [string, string, number])[] = [
    ["GET", "/nowhere", 404],
    ["POST", "/jobs/nobody/lines", 404],
    ["GET", "/jobs/nobody", 404],
    ["GET", "/jobs/wordcount/state/nothing", 404],
    ["GET", "/jobs/wordcount/state/counts/absent", 404],
    ["GET", "/jobs/wordcount/state/counts?limit=0", 400],
    ["GET", "/jobs/wordcount/state/counts?cursor=made-up", 400],
    ["GET", "/jobs/wordcount/state/counts?order=random", 400],
    ["GET", "/jobs/wordcount/state/counts?checkpoint=7", 404],
    ["GET", "/jobs/wordcount/checkpoints/details/7", 404],
    ["GET", "/jobs/wordcount/checkpoints/details/seven", 400],
    ["POST", "/jobs/wordcount/checkpoints?wait=1000", 400],
    ["GET", "/jobs/wordcount/lines", 426],
  ];
  for (const [method, path, status] of calls) {
    const response = await runtime.fetch(path, { method });
    const problem = (await response.json()) as Record<string, unknown>;
    expect({ path, status: response.status, problem }).toMatchObject({
      path,
      status,
      problem: { status, type: expect.stringMatching(/^urn:weir:problem:/) },
    });
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  }
});

test("[IN6] truncated gzip adds whole lines only, and the sequence stays open for the rest", async () => {
  const runtime = running();
  const lines = Array.from({ length: 200_000 }, (_, index) => `cut${index % 97} everyline`);
  const whole = new Uint8Array(gzipSync(lines.join("\n")));
  const headers = { "Content-Encoding": "gzip" };
  const posting = { producer: "cut", sequence: 0, headers };
  const cut = await post(runtime, whole.slice(0, whole.length / 2), posting);
  const problem = (await cut.json()) as { accepted: number; line: number };
  expect([cut.status, problem.line]).toEqual([400, problem.accepted + 1]);
  expect(problem.accepted).toBeGreaterThan(0);
  expect(await valueOf(runtime, "everyline")).toBe(problem.accepted);
  const rest = await post(runtime, whole, posting);
  expect(await rest.json()).toEqual({
    accepted: lines.length - problem.accepted,
    duplicate: false,
  });
  expect(await valueOf(runtime, "everyline")).toBe(lines.length);
});

test("[IN7] a stopped job answers 503 with Retry-After and takes lines again once it is started", async () => {
  const runtime = await startRuntime({ directory: temporaryDirectory() });
  expect((await post(runtime, "before the stop\n")).status).toBe(200);
  const client = new WeirClient({ url: runtime.url });
  expect(await client.postJson("/jobs/wordcount/stop")).toMatchObject({ status: "STOPPED" });
  const refused = await post(runtime, "while stopped\n");
  expect([refused.status, await refused.json()]).toMatchObject([
    503,
    { accepted: 0, jobStatus: "STOPPED" },
  ]);
  expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
  // Read from its final checkpoint: no partition runs.
  expect(await countsOf(runtime)).toEqual(countWords("before the stop"));
  expect(await client.json("/jobs/wordcount/state")).toMatchObject({
    checkpoint: 1,
    states: [{ name: "counts", entries: 3, state_size: expect.any(Number) }],
  });
  await client.postJson("/jobs/wordcount/start", { from: "latest" });
  expect((await post(runtime, "after the start\n")).status).toBe(200);
  expect(await countsOf(runtime)).toEqual(countWords("before the stop after the start"));
});

test("[IN7] a full log answers 429 with Retry-After, and sending again loses and doubles nothing", async () => {
  const runtime = await startRuntime({
    directory: temporaryDirectory(),
    parameters: ["--checkpoint-interval", "0"],
    variables: { WEIR_LOG_LIMIT_BYTES: String(4 * 1024 * 1024) },
  });
  const text = `${"a log that is full ".repeat(50)}\n`.repeat(8_000);
  const producers = ["eager", "hasty", "keen", "quick", "rapid", "swift"];
  const answers = await Promise.all(
    producers.map((producer) => post(runtime, text, { producer, sequence: 0 })),
  );
  const full = answers.filter(({ status }) => status === 429);
  expect(full.length).toBeGreaterThan(0);
  for (const answer of full) {
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    const { accepted } = (await answer.json()) as { accepted: number };
    expect(accepted).toBeLessThan(8_000);
  }
  const client = new WeirClient({ url: runtime.url });
  for (const producer of producers) {
    const headers = { "Producer-Id": producer, "Producer-Sequence": "0" };
    await client.send("/jobs/wordcount/lines", { method: "POST", body: text, headers });
  }
  expect(await countsOf(runtime)).toEqual(
    new Map([...countWords(text)].map(([word, count]) => [word, count * producers.length])),
  );
});

async function valueOf(runtime: RuntimeProcess, word: string): Promise<unknown> {
  const response = await answered(runtime, `${countsPath}/${word}`);
  return ((await response.json()) as { value: unknown }).value;
}
