/** Input that is wrong is answered as the contract says, and what was right is counted exactly. */
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { sharedRuntime } from "../support/runtime.ts";
import { countsOf, countsPath, post } from "./word-count-client.ts";
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

test("wrong input is answered as the contract says and changes no count", async () => {
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

test("wrong input leaves the sequence open, so that the corrected request adds only the rest", async () => {
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

test("every other wrong call is answered by a problem with a reason", async () => {
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
