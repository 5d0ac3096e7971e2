import { afterEach, describe, expect, test } from "vitest";
import { job, type BuiltStream } from "../../../dataflow/job.ts";
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { JobWorld } from "./job-world.ts";

const worlds: JobWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

function open(stream: BuiltStream): JobWorld {
  const world = new JobWorld(stream, { seed: 3 });
  worlds.push(world);
  return world;
}

const quick = { initialBackoffMs: 100, maxBackoffMs: 200, attempts: 3 } as const;
const options = {
  parallelism: 3,
  maxParallelism: 16,
  checkpoint: { intervalMs: 3_000 },
  restart: quick,
} satisfies JobOptionsInput;

function refuse(what: string): never {
  throw new RangeError(`"${what}" cannot be processed.`);
}

const promised = (async (): Promise<string> => "later") as unknown as () => string;

const errors: readonly [
  string,
  (stream: ReturnType<typeof linesOf>) => BuiltStream,
  string | null,
  RegExp,
][] = [
  [
    "a function that throws",
    (lines) =>
      lines
        .map((line) => (line === "bad" ? refuse(line) : line))
        .keyBy((line) => line)
        .count("counts"),
    "map",
    /cannot be processed\. The map of job "errors" failed at line 150 of source 0\./,
  ],
  [
    "a promise where none is allowed",
    (lines) =>
      lines
        .map((line) => (line === "bad" ? promised() : line))
        .keyBy((line) => line)
        .count("counts"),
    "map",
    /answered a promise.*mapAsync.*line 150 of source 0/,
  ],
  [
    "undefined before keyBy",
    (lines) =>
      lines
        .flatMap((line) => (line === "bad" ? [undefined as unknown as string] : [line]))
        .keyBy((line) => line)
        .count("counts"),
    "flatMap",
    /flatMap answered undefined.*line 150 of source 0/,
  ],
  [
    "a key over the limit",
    (lines) =>
      lines.keyBy((line) => (line === "bad" ? "k".repeat(1024 * 1024 + 1) : line)).count("counts"),
    null,
    /keyBy before "counts" answered a key of 1048577 bytes; the limit is 1048576.*line 150 of source 0/,
  ],
  [
    "a key of the wrong type",
    (lines) =>
      lines.keyBy((line) => (line === "bad" ? (7 as unknown as string) : line)).count("counts"),
    null,
    /keys of this stream.*line 150 of source 0/,
  ],
  [
    "undefined behind keyBy",
    (lines) =>
      lines
        .keyBy((line) => line)
        .process("checks", { process: (line: string) => (line === "bad" ? [undefined] : [line]) })
        .output(),
    'process "checks"',
    /emitted undefined for the key "bad".*line 150 of source 0 with the key "bad"/,
  ],
  [
    "a promise behind keyBy",
    (lines) =>
      lines
        .keyBy((line) => line)
        .process("checks", {
          process: (line: string) =>
            line === "bad" ? (promised() as unknown as string[]) : [line],
        })
        .output(),
    'process "checks"',
    /returned a promise.*mapAsync.*line 150 of source 0 with the key "bad"/,
  ],
];

describe("[DL1] what functions do wrong ends the job with job, operator, source and line", () => {
  test.each(errors)("%s", async (_what, build, operator, message) => {
    const lines = linesOf({ ...options, restart: { ...quick, attempts: 1 } });
    const world = open(build(lines));
    await world.post([
      ...Array.from({ length: 150 }, (_, index) => `line ${index % 40}`),
      "bad",
      "good",
    ]);
    await world.pass(20_000);
    expect(await world.status()).toBe("FAILED");
    const entry = {
      source: 0,
      offset: 150,
      operator,
      message: expect.stringMatching(message) as string,
    };
    expect(await world.exceptions()).toMatchObject({
      exceptionHistory: { entries: [entry, entry] },
    });
  });
});

function linesOf(jobOptions: JobOptionsInput) {
  return job("errors", jobOptions).lines();
}
