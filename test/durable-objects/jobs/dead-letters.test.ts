import { afterEach, expect, test } from "vitest";
import { job, type BuiltStream } from "../../../dataflow/job.ts";
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { JobWorld, ORDINARY_FAULTS, type JobWorldOptions } from "./job-world.ts";

const worlds: JobWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

function open(stream: BuiltStream, options: JobWorldOptions = {}): JobWorld {
  const world = new JobWorld(stream, { seed: 3, ...options });
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
const withLetters = { ...options, deadLetter: { attempts: 2 } } satisfies JobOptionsInput;

/** As JSON, so that anything can be put in order. */
function byText(left: unknown, right: unknown): number {
  return JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
}

function refuse(what: string): never {
  throw new RangeError(`"${what}" cannot be processed.`);
}

/** Words of a line, counted with updates; "poison" fails before keyBy, "venom" behind it. */
function words(jobOptions: JobOptionsInput): BuiltStream {
  return job("words", jobOptions)
    .lines()
    .flatMap(function splitWords(line) {
      return line.includes("poison") ? refuse(line) : line.split(" ");
    })
    .keyBy((word) => word)
    .process("checks", {
      process: (word: string) => (word === "venom" ? refuse(word) : [word]),
    })
    .output();
}

async function letters(world: JobWorld): Promise<readonly Record<string, unknown>[]> {
  return (await world.values("failed")) as Record<string, unknown>[];
}

test("[DL2] [DL3] [rule 42] a record whose function throws goes to the dead letters as a whole line, and the job goes on", async () => {
  const world = open(words(withLetters));
  await world.post(["a b", "poison c", "d venom e", "f"]);
  await world.pass(10_000);
  await world.checkpoint();
  expect(await world.status()).toBe("RUNNING");
  expect((await world.values()).toSorted(byText)).toEqual(["a", "b", "f"]);
  expect((await letters(world)).toSorted((one, other) => +one["line"]! - +other["line"]!)).toEqual([
    {
      source: 0,
      line: 1,
      text: "poison c",
      error: {
        name: "RangeError",
        message:
          '"poison c" cannot be processed. The flatMap "splitWords" of job "words" failed at line 1 of source 0.',
      },
      operator: 'flatMap "splitWords"',
      key: null,
      attempts: 2,
    },
    {
      source: 0,
      line: 2,
      text: "d venom e",
      error: {
        name: "RangeError",
        message:
          '"venom" cannot be processed. The process "checks" of job "words" failed at line 2 of source 0 with the key "venom".',
      },
      operator: 'process "checks"',
      key: '"venom"',
      attempts: 2,
    },
  ]);
  const described = await world.describe();
  expect(described).toMatchObject({ deadLetters: 2, restarts: 4 });
  expect(await world.exceptions()).toMatchObject({
    exceptionHistory: {
      entries: [
        { deadLetter: true },
        { deadLetter: false },
        { deadLetter: true },
        { deadLetter: false },
      ],
    },
  });
});

test("[DL4] [rule 42] a line stays given up when the job starts from an older checkpoint, under code that does not throw", async () => {
  let isPoison = true;
  const stream = job("older", {
    ...withLetters,
    checkpoint: { intervalMs: 0, retained: 5 },
    deadLetter: { output: "broken", attempts: 1 },
  })
    .lines()
    .keyBy((line) => line)
    .process("checks", {
      process: (line: string) => (line === "poison" && isPoison ? refuse(line) : [line]),
    })
    .output();
  const world = open(stream);
  await world.post(["a"]);
  await world.checkpoint();
  await world.post(["poison", "b"]);
  await world.checkpoint();
  isPoison = false;
  await world.stop();
  await world.start({ from: { checkpoint: 1 } });
  await world.checkpoint();
  const committed = (await world.output()).map(({ output, value }) =>
    output === "broken" ? "broken" : value,
  );
  expect(committed.toSorted(byText)).toEqual(["a", "b", "b", "broken", "broken"]);
});

test("[rule 42] a line is found in a count, whose records travel combined", async () => {
  const stream = job("combined", withLetters)
    .lines()
    .flatMap((line) => (line === "poison" ? refuse(line) : line.split(" ")))
    .keyBy((word) => (word === "venom" ? refuse(word) : word))
    .count("counts");
  const world = open(stream);
  await world.post([...Array.from({ length: 250 }, () => "a b"), "poison", "a venom", "b"]);
  await world.pass(10_000);
  await world.checkpoint();
  expect(
    (await letters(world)).map(({ line, operator }) => [line, operator]).toSorted(byText),
  ).toEqual([
    [250, "flatMap"],
    [251, 'keyBy before "counts"'],
  ]);
  expect(await world.read("counts", "a")).toBe("250");
  expect(await world.read("counts", "b")).toBe("251");
});

test("[rule 42] a line is found when its update is what fails, in a frame of many lines", async () => {
  const stream = job("updates", withLetters)
    .lines()
    .map(Number)
    .keyBy(() => "all")
    .sum("sums", (number) => number)
    .output();
  const broken = job("updates", withLetters)
    .lines()
    .map(Number)
    .keyBy((number) => String(number % 2))
    .max("largest", (number) => number)
    .keyBy((largest) => (largest > 90 ? refuse(String(largest)) : "all"))
    .count("groups");
  expect(stream.describe().nodes.map(({ id }) => id)).toContain("failed()");
  const world = open(broken);
  await world.post(["10", "20", "95", "30", "7"]);
  await world.pass(10_000);
  await world.checkpoint();
  expect(await letters(world)).toMatchObject([
    { line: 2, operator: 'keyBy before "groups" after the max "largest"', key: '"1"' },
  ]);
  expect(await world.read("largest", "0")).toBe("30");
});

test("[DL3] a dead letter moves no event time", async () => {
  const stream = job("timed", withLetters)
    .lines()
    .map((line) => (line === "poison" ? refuse(line) : Number(line)))
    .assignTimestampsAndWatermarks(watermarks.monotonousTimestamps((at: number) => at))
    .keyBy(() => "all")
    .window(tumblingWindows(1_000))
    .count("counts", (count, { window }) => [[window.start, count]])
    .output();
  const world = open(stream);
  await world.post(["100", "200", "poison", "300", "5000"]);
  await world.pass(10_000);
  await world.checkpoint();
  expect(await world.values()).toEqual([[0, 3]]);
  expect(await letters(world)).toMatchObject([{ line: 2, text: "poison" }]);
});
test("[DL5] a throw in a second keyed operator ends the job with the operator and the key", async () => {
  const stream = job("second", withLetters)
    .lines()
    .keyBy((word) => word)
    .deduplicate("firsts")
    .keyBy((word) => word)
    .process("checks", {
      process: (word: string) => (word === "venom" ? refuse(word) : [word]),
    })
    .output();
  const world = open(stream);
  await world.post(["a", "venom", "b"]);
  await world.pass(30_000);
  expect(await world.status()).toBe("FAILED");
  expect(await world.exceptions()).toMatchObject({
    exceptionHistory: {
      entries: Array.from({ length: 4 }, () => ({
        operator: 'process "checks"',
        key: '"venom"',
        source: null,
        offset: null,
        deadLetter: false,
      })),
    },
  });
});

test("[DL5] a throw in a timer ends the job with the operator and the key", async () => {
  const stream = job("timers", withLetters)
    .lines()
    .map(Number)
    .assignTimestampsAndWatermarks(watermarks.monotonousTimestamps((at: number) => at))
    .keyBy((at) => String(at % 2))
    .process("alarms", {
      process: (at: number, { timers }) => timers.registerEventTimeTimer(at + 5),
      onTimer: ({ timestamp }) => refuse(String(timestamp)),
    })
    .output();
  const world = open(stream);
  await world.post(["100", "200"]);
  await world.pass(30_000);
  expect(await world.status()).toBe("FAILED");
  const message =
    '"105" cannot be processed. The process "alarms" of job "timers" failed in a timer with the key "0". ' +
    "It was applying what came from lines 0 to 1 of source 0.";
  expect(await world.exceptions()).toMatchObject({
    exceptionHistory: { entries: [{ message, offset: null }, {}, {}, {}] },
  });
});
test.each([1, 2, 3, 4, 5])(
  "[rule 42] under faults each line is in the state or in the dead letters, and never in both (seed %i)",
  async (seed) => {
    const random = new SeededRandom(seed);
    const lines = Array.from({ length: 60 }, (_, index) => {
      const kind = random.chance(0.05) ? "poison" : random.chance(0.06) ? "venom" : "fine";
      return `${kind} ${index} ${random.integer(7)}`;
    });
    const stream = job("faults", {
      ...options,
      sources: 2,
      checkpoint: { intervalMs: 2_000, retained: 2 },
      restart: { attempts: 1_000_000, initialBackoffMs: 100, maxBackoffMs: 1_000 },
      deadLetter: { attempts: 1 + (seed % 3) },
    })
      .lines()
      .flatMap((line) => (line.startsWith("poison") ? refuse(line) : [line, `again ${line}`]))
      .keyBy((line) => line.slice(-1))
      .process("checks", {
        process: (line: string) => (line.startsWith("again venom") ? refuse(line) : [line]),
      })
      .output();
    const world = open(stream, { seed, rates: ORDINARY_FAULTS });
    for (let from = 0; from < lines.length;) {
      const count = random.between(1, 15);
      await world.post(lines.slice(from, from + count), from % 2);
      from += count;
      if (random.chance(0.4)) await world.pass(random.between(1, 4_000));
    }
    await world.pass(30_000);
    world.calm();
    await world.pass(60_000);
    await world.checkpoint();
    const fine = lines.filter((line) => line.startsWith("fine"));
    expect((await world.values()).map(String).toSorted(byText)).toEqual(
      fine.flatMap((line) => [line, `again ${line}`]).toSorted(byText),
    );
    expect((await letters(world)).map(({ text }) => String(text)).toSorted(byText)).toEqual(
      lines.filter((line) => !line.startsWith("fine")).toSorted(byText),
    );
  },
);
