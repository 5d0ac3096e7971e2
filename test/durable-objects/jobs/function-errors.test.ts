import { afterEach, describe, expect, test } from "vitest";
import { job, type BuiltStream, type JobBuilder } from "../../../dataflow/job.ts";
import { outputTag } from "../../../dataflow/operators/output-tag.ts";
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import type { StandardSchema } from "../../../dataflow/standard-schema.ts";
import { reducingState } from "../../../dataflow/state/state-descriptor.ts";
import type { Stream } from "../../../dataflow/stream.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
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
const perSecond = tumblingWindows(1_000, { time: "processing" });
const sides = outputTag<string>("sides");

interface Sale {
  readonly name: string;
  readonly price: number;
}

/** One price for every line, but for the bad one's. */
function sales(lines: Stream<string>, bad: unknown): Stream<Sale> {
  return lines.map((name) => ({ name, price: name === "bad" ? (bad as number) : 1 }));
}

/** As sales, by name. */
function byName(lines: Stream<string>, bad: unknown) {
  return sales(lines, bad).keyBy((sale) => sale.name);
}

/** All in one group. */
function together(lines: Stream<string>, bad: unknown) {
  return sales(lines, bad).keyBy(() => "all");
}

const schemaThatThrows: StandardSchema<unknown, string> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => ({ value: value === "bad" ? refuse(value) : String(value) }),
  },
};

interface ErrorCase {
  readonly what: string;
  readonly build: (lines: Stream<string>, builder: JobBuilder) => BuiltStream;
  readonly operator: string;
  readonly message: RegExp;
  /** Lines are posted as JSON. */
  readonly isJson?: true;
}

const beforeKeyBy: readonly ErrorCase[] = [
  {
    what: "a function that throws",
    build: (lines) =>
      lines
        .map((line) => (line === "bad" ? refuse(line) : line))
        .keyBy((line) => line)
        .count("counts"),
    operator: "map",
    message: /cannot be processed\. The map of job "errors" failed at line 150 of source 0\./,
  },
  {
    what: "a promise where none is allowed",
    build: (lines) =>
      lines
        .map((line) => (line === "bad" ? promised() : line))
        .keyBy((line) => line)
        .count("counts"),
    operator: "map",
    message: /answered a promise.*mapAsync.*line 150 of source 0/,
  },
  {
    what: "a promise among the records of flatMap",
    build: (lines) =>
      lines
        .flatMap((line) => (line === "bad" ? [promised()] : [line]))
        .keyBy((line) => line)
        .count("counts"),
    operator: "flatMap",
    message: /answered a promise.*mapAsync.*line 150 of source 0/,
  },
  {
    what: "undefined before keyBy",
    build: (lines) =>
      lines
        .flatMap((line) => (line === "bad" ? [undefined as unknown as string] : [line]))
        .keyBy((line) => line)
        .count("counts"),
    operator: "flatMap",
    message: /flatMap answered undefined.*line 150 of source 0/,
  },
  {
    what: "undefined to a side output before keyBy",
    build: (lines) =>
      lines
        .process((line, context) =>
          context.sideOutput(sides, line === "bad" ? (undefined as unknown as string) : line),
        )
        .sideOutput(sides)
        .map((line) => line.length)
        .output(),
    operator: "process",
    message: /process gave undefined to the side output "sides".*line 150 of source 0/,
  },
  {
    what: "a schema that throws",
    build: (_lines, builder) => builder.json(schemaThatThrows).output(),
    isJson: true,
    operator: "json",
    message:
      /"bad" cannot be processed\. The json of job "errors" failed at line 150 of source 0\./,
  },
  {
    what: "a key over the limit",
    build: (lines) =>
      lines.keyBy((line) => (line === "bad" ? "k".repeat(1024 * 1024 + 1) : line)).count("counts"),
    operator: 'keyBy before "counts"',
    message:
      /keyBy before "counts" answered a key of 1048577 bytes; the limit is 1048576.*line 150 of source 0/,
  },
  {
    what: "a key over the limit for an operator that is no count",
    build: (lines) =>
      lines
        .keyBy((line) => (line === "bad" ? "k".repeat(1024 * 1024 + 1) : line))
        .deduplicate("firsts")
        .output(),
    operator: 'keyBy before "firsts"',
    message: /keyBy before "firsts" answered a key of 1048577 bytes.*line 150 of source 0/,
  },
  {
    what: "a key of the wrong type",
    build: (lines) =>
      lines.keyBy((line) => (line === "bad" ? (7 as unknown as string) : line)).count("counts"),
    operator: 'keyBy before "counts"',
    message: /keys of this stream.*line 150 of source 0/,
  },
  {
    what: "a record that cannot be stored",
    build: (lines) =>
      sales(lines, () => 7)
        .keyBy((sale) => sale.name)
        .deduplicate("firsts")
        .output(),
    operator: 'keyBy before "firsts"',
    message: /cannot store value\.price: it is a function.*line 150 of source 0/,
  },
  {
    what: "a record that cannot be stored, without keyBy",
    build: (lines) => sales(lines, () => 7).output("prices"),
    operator: 'output "prices"',
    message: /cannot store value\.price: it is a function.*line 150 of source 0/,
  },
];

const behindKeyBy: readonly ErrorCase[] = [
  {
    what: "undefined behind keyBy",
    build: (lines) =>
      lines
        .keyBy((line) => line)
        .process("checks", { process: (line: string) => (line === "bad" ? [undefined] : [line]) })
        .output(),
    operator: 'process "checks"',
    message: /emitted undefined for the key "bad".*line 150 of source 0 with the key "bad"/,
  },
  {
    what: "a promise behind keyBy",
    build: (lines) =>
      lines
        .keyBy((line) => line)
        .process("checks", {
          process: (line: string) =>
            line === "bad" ? (promised() as unknown as string[]) : [line],
        })
        .output(),
    operator: 'process "checks"',
    message: /returned a promise.*mapAsync.*line 150 of source 0 with the key "bad"/,
  },
  {
    what: "a promise among the records of a process function",
    build: (lines) =>
      lines
        .keyBy((line) => line)
        .process("checks", { process: (line: string) => [line === "bad" ? promised() : line] })
        .output(),
    operator: 'process "checks"',
    message: /emitted a promise.*mapAsync.*line 150 of source 0 with the key "bad"/,
  },
  {
    what: "a key over the limit at a later keyBy",
    build: (lines) =>
      lines
        .keyBy((line) => line)
        .process("checks", { process: (line: string) => [line] })
        .keyBy((line) => (line === "bad" ? "k".repeat(1024 * 1024 + 1) : line))
        .count("counts"),
    operator: 'keyBy before "counts" after the process "checks"',
    message: /keyBy before "counts" answered a key of 1048577 bytes.*line 150 of source 0/,
  },
  {
    what: "a sum of undefined",
    build: (lines) => byName(lines, undefined).sum("sums", (sale) => sale.price),
    operator: 'sum "sums"',
    message: /sum "sums" answered undefined where a number is expected.*line 150 of source 0/,
  },
  {
    what: "a sum of strings",
    build: (lines) => together(lines, "7").sum("sums", (sale) => sale.price),
    operator: 'sum "sums"',
    message: /answered the string "7" where a number is expected.*line 150 of source 0/,
  },
  {
    what: "a sum that is not finite",
    build: (lines) => together(lines, Infinity).sum("sums", (sale) => sale.price),
    operator: 'sum "sums"',
    message: /answered Infinity, which makes Infinity of the sum 150.*line 150 of source 0/,
  },
  {
    what: "a largest value of NaN",
    build: (lines) => byName(lines, NaN).max("largest", (sale) => sale.price),
    operator: 'max "largest"',
    message: /max "largest" answered NaN, which has no place in an order.*line 150 of source 0/,
  },
  {
    what: "a string among numbers",
    build: (lines) => together(lines, "7").minBy("least", (sale) => sale.price),
    operator: 'minBy "least"',
    message: /a string has no place among numbers.*line 150 of source 0/,
  },
  {
    what: "a rank of NaN",
    build: (lines) => together(lines, NaN).topN("best", { n: 3, rankBy: (sale) => sale.price }),
    operator: 'topN "best"',
    message: /rankBy of topN "best" answered NaN.*line 150 of source 0/,
  },
  {
    what: "a comparison that is no number",
    build: (lines) =>
      together(lines, true).topN("best", {
        n: 3,
        compare: (left, right) => (left.name === "bad" ? left.price : right.price - left.price),
      }),
    operator: 'topN "best"',
    message: /compare of topN "best" answered true.*line 150 of source 0/,
  },
  {
    what: "a promise from reduce",
    build: (lines) =>
      lines
        .keyBy(() => "all")
        .reduce("joined", (joined, line) => (line === "bad" ? promised() : joined)),
    operator: 'reduce "joined"',
    message: /reduce "joined" answered a promise.*mapAsync.*line 150 of source 0/,
  },
  {
    what: "undefined from getResult",
    build: (lines) =>
      byName(lines, undefined).aggregate("prices", {
        createAccumulator: () => ({ price: 0 as number | undefined }),
        add: (_accumulator, { price }) => ({ price }),
        getResult: ({ price }) => price,
      }),
    operator: 'aggregate "prices"',
    message: /getResult of aggregate "prices" answered undefined.*line 150 of source 0/,
  },
  {
    what: "undefined from mapValue",
    build: (lines) =>
      lines
        .keyBy((line) => line)
        .reduce("newest", (_earlier, line) => line)
        .mapValue((line) => (line === "bad" ? undefined : line))
        .output(),
    operator: 'map after the reduce "newest"',
    message: /mapValue answered undefined.*line 150 of source 0/,
  },
  {
    what: "a promise from a reducing state",
    build: (lines) =>
      lines
        .keyBy(() => "all")
        .process("checks", {
          state: {
            joined: reducingState("joined", (joined: string, line: string) =>
              line === "bad" ? promised() : joined,
            ),
          },
          process: (line: string, { state }) => state.joined.add(line),
        })
        .output(),
    operator: 'process "checks"',
    message: /reducing state "joined" answered a promise.*mapAsync.*line 150 of source 0/,
  },
  {
    what: "a sum of undefined in a window",
    build: (lines) =>
      byName(lines, undefined)
        .window(perSecond)
        .sum("sums", (sale) => sale.price)
        .output(),
    operator: 'windowAggregate "sums"',
    message:
      /window sum "sums" answered undefined where a number is expected.*line 150 of source 0/,
  },
  {
    what: "a least value of NaN in a window",
    build: (lines) =>
      together(lines, NaN)
        .window(perSecond)
        .min("least", (sale) => sale.price)
        .output(),
    operator: 'windowAggregate "least"',
    message:
      /window min "least" answered NaN, which has no place in an order.*line 150 of source 0/,
  },
  {
    what: "undefined from reduce in a window",
    build: (lines) =>
      lines
        .keyBy(() => "all")
        .window(perSecond)
        .reduce("joined", (joined, line) =>
          line === "bad" ? (undefined as unknown as string) : joined,
        )
        .output(),
    operator: 'windowAggregate "joined"',
    message: /window reduce "joined" answered undefined.*line 150 of source 0/,
  },
];

describe("[DL1] what functions do wrong ends the job with job, operator, source and line", () => {
  test.each([...beforeKeyBy, ...behindKeyBy])("$what", async (errorCase) => {
    const { build, isJson = false, message, operator } = errorCase;
    const builder = job("errors", { ...options, restart: { ...quick, attempts: 1 } });
    const world = open(build(builder.lines(), builder));
    const fine = Array.from({ length: 150 }, (_, index) => `line ${index % 40}`);
    const lines = [...fine, "bad", "good"];
    await world.post(isJson ? lines.map((line) => JSON.stringify(line)) : lines);
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
    expect(await world.values()).not.toContain(null);
  });
});
