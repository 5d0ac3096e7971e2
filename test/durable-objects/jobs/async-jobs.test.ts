import { afterEach, expect, test } from "vitest";
import { job, type BuiltStream } from "../../../dataflow/job.ts";
import type { AsyncContext } from "../../../dataflow/operators/keyed-operator.ts";
import type { JobOptionsInput } from "../../../dataflow/options.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { JobWorld, ORDINARY_FAULTS, type JobWorldOptions } from "./job-world.ts";

const worlds: JobWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

const options = {
  parallelism: 3,
  maxParallelism: 16,
  checkpoint: { intervalMs: 3_000 },
  restart: { initialBackoffMs: 100, maxBackoffMs: 200, attempts: 3 },
} satisfies JobOptionsInput;

/** The outside: answers after a time, and counts what it was asked. */
class Outside {
  world: JobWorld | undefined;
  open = 0;
  mostOpen = 0;
  readonly asked: string[] = [];
  readonly #delayMs: (record: string) => number;

  constructor(delayMs: (record: string) => number) {
    this.#delayMs = delayMs;
  }

  async ask(record: string): Promise<string> {
    this.asked.push(record);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    await this.passing(this.#delayMs(record));
    this.open -= 1;
    return `${record}!`;
  }

  passing(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.world!.world.scheduler.schedule(milliseconds, "the outside answers", resolve);
    });
  }
}

function open(stream: BuiltStream, outside: Outside, worldOptions: JobWorldOptions = {}): JobWorld {
  const world = new JobWorld(stream, { seed: 3, ...worldOptions });
  outside.world = world;
  worlds.push(world);
  return world;
}

function keyOf(line: string): string {
  return line.slice(0, 1);
}

function byText(left: unknown, right: unknown): number {
  return String(left) < String(right) ? -1 : 1;
}

test("[AS1] results take the place of their records, in the order of each key's records", async () => {
  const outside = new Outside((record) => (record.endsWith("1") ? 900 : 10));
  const stream = job("ordered", options)
    .lines()
    .keyBy(keyOf)
    .mapAsync("enriched", (line) => outside.ask(line))
    .output();
  expect(stream.describe().nodes[1]).toMatchObject({ operators: ["mapAsync"] });
  const world = open(stream, outside);
  await world.post(["a1", "b1", "a2", "b2", "a3"]);
  await world.pass(5_000);
  await world.checkpoint();
  const values = (await world.values()).map(String);
  expect(values.filter((value) => value.startsWith("a"))).toEqual(["a1!", "a2!", "a3!"]);
  expect(values.filter((value) => value.startsWith("b"))).toEqual(["b1!", "b2!"]);
  expect(outside.asked).toHaveLength(5);
});

test("[AS1] unordered results come as they are answered", async () => {
  const outside = new Outside((record) => (record.endsWith("1") ? 900 : 10));
  const stream = job("unordered", options)
    .lines()
    .keyBy(keyOf)
    .flatMapAsync("enriched", async (line) => [await outside.ask(line), "and"], {
      order: "unordered",
    })
    .output();
  const world = open(stream, outside);
  await world.post(["a1", "a2"]);
  await world.pass(5_000);
  await world.checkpoint();
  expect(await world.values()).toEqual(["a2!", "and", "a1!", "and"]);
});

test("[AS2] [rule 14] a checkpoint waits for no result, and holds the records that wait for theirs", async () => {
  let isAnswering = false;
  const outside = new Outside(() => (isAnswering ? 10 : 10_000_000));
  const stream = job("waiting", { ...options, checkpoint: { intervalMs: 0 } })
    .lines()
    .keyBy(keyOf)
    .mapAsync("enriched", (line) => outside.ask(line), { timeoutMs: 86_400_000 })
    .output();
  const world = open(stream, outside);
  await world.post(["a1", "b1", "a2"]);
  await world.checkpoint();
  expect(await world.values()).toEqual([]);
  expect(outside.asked.toSorted(byText)).toEqual(["a1", "a2", "b1"]);
  // All memory is lost; no line comes any more, and still the records are asked for again.
  isAnswering = true;
  world.loseMemory();
  await world.pass(60_000);
  await world.checkpoint();
  expect((await world.values()).map(String).toSorted(byText)).toEqual(["a1!", "a2!", "b1!"]);
  expect(outside.asked).toHaveLength(6);
  await world.pass(120_000);
  // The coordinator's is for output that will be too old one day.
  expect(world.alarms()).toEqual(["coordinator"]);
});

test("[AS3] no more records wait than the capacity allows, also within one frame", async () => {
  const outside = new Outside(() => 100);
  const stream = job("capacity", { ...options, parallelism: 1 })
    .lines()
    .keyBy(keyOf)
    .mapAsync("enriched", (line) => outside.ask(line), { capacity: 5 })
    .output();
  const world = open(stream, outside);
  const lines = Array.from({ length: 63 }, (_, index) => `${index % 7} ${index}`);
  await world.post(lines);
  await world.pass(10_000);
  await world.checkpoint();
  expect(outside.mostOpen).toBe(5);
  expect(await world.values()).toHaveLength(63);
});

test("[AS4] watermarks do not overtake results: a window behind them is never too early", async () => {
  const outside = new Outside((record) => (record.endsWith("5") ? 20_000 : 10));
  const stream = job("timed", options)
    .lines()
    .assignTimestampsAndWatermarks(watermarks.monotonousTimestamps((line: string) => Number(line)))
    .keyBy(keyOf)
    .mapAsync("enriched", async (line) => Number((await outside.ask(line)).slice(0, -1)))
    .keyBy(() => "all")
    .window(tumblingWindows(1_000))
    .count("counts", (count, { window }) => [[window.start, count]])
    .output();
  const world = open(stream, outside);
  await world.post(["100", "205", "300", "5000", "6000"]);
  await world.pass(10_000);
  await world.checkpoint();
  expect(await world.values()).toEqual([]);
  world.loseMemory();
  await world.pass(60_000);
  await world.checkpoint();
  expect(await world.values()).toEqual([
    [0, 3],
    [5_000, 1],
  ]);
});

test("[AS5] what takes too long is aborted and tried again as the strategy says, then the job fails", async () => {
  const attempts: [number, string][] = [];
  const outside = new Outside(() => 0);
  const ask = async (line: string, { attempt, key, signal }: AsyncContext<string>) => {
    await outside.passing(attempt === 2 ? 50 : 5_000);
    attempts.push([attempt, signal.aborted ? (signal.reason as Error).message : "in time"]);
    if (line === "bad") throw new Error(`${key} is not there.`);
    return line;
  };
  const build = (name: string, retryIfError: (error: unknown) => boolean): BuiltStream =>
    job(name, options)
      .lines()
      .keyBy(keyOf)
      .mapAsync("enriched", ask, {
        timeoutMs: 1_000,
        retry: {
          kind: "exponential",
          attempts: 3,
          initialDelayMs: 200,
          maxDelayMs: 500,
          multiplier: 2,
        },
        retryIfError,
      })
      .output();
  const world = open(
    build("retried", () => true),
    outside,
  );
  await world.post(["a"]);
  await world.pass(10_000);
  await world.checkpoint();
  expect(await world.values()).toEqual(["a"]);
  expect(attempts).toEqual([
    [2, "in time"],
    [1, "Attempt 1 took longer than 1000 ms."],
  ]);
  const failing = open(
    build("failing", (error) => !String(error).includes("not there")),
    outside,
  );
  await failing.post(["bad"]);
  await failing.pass(60_000);
  expect(await failing.status()).toBe("FAILED");
  const message =
    'The asynchronous function of "enriched" failed in its last attempt: b is not there. Give it onFailure ' +
    'to emit something else instead of failing the job. The mapAsync "enriched" of job "failing" failed ' +
    'at the result of a request with the key "b".';
  expect(await failing.exceptions()).toMatchObject({
    exceptionHistory: {
      entries: [{ message, offset: null, operator: 'mapAsync "enriched"' }, {}, {}, {}],
    },
  });
});

test("[AS5] a record whose last attempt failed goes to onFailure, or to the dead letters without a restart", async () => {
  const outside = new Outside(() => 10);
  const ask = async (line: string): Promise<string> => {
    const answer = await outside.ask(line);
    return answer.startsWith("bad") ? Promise.reject(new RangeError("Not there.")) : answer;
  };
  const retry = { kind: "fixed", attempts: 2, delayMs: 100 } as const;
  const lenient = job("lenient", options)
    .lines()
    .keyBy(keyOf)
    .mapAsync("enriched", ask, { onFailure: (line, error) => [`${line}: ${error}`] })
    .output();
  const world = open(lenient, outside);
  await world.post(["a", "bad"]);
  await world.pass(5_000);
  await world.checkpoint();
  expect((await world.values()).toSorted(byText)).toEqual(["a!", "bad: Not there."]);
  const lettered = job("lettered", { ...options, deadLetter: {} })
    .lines()
    .keyBy(keyOf)
    .mapAsync("enriched", ask, { retry })
    .output();
  const other = open(lettered, outside);
  await other.post(["a", "bad", "b"]);
  await other.pass(5_000);
  await other.checkpoint();
  expect((await other.values()).toSorted(byText)).toEqual(["a!", "b!"]);
  expect(await other.values("failed")).toMatchObject([
    {
      source: null,
      line: null,
      record: "bad",
      error: { name: "RangeError", message: expect.stringContaining("Not there.") as string },
      operator: 'mapAsync "enriched"',
      key: '"b"',
      attempts: 2,
    },
  ]);
  expect(await other.describe()).toMatchObject({ restarts: 0, status: "RUNNING" });
});

test("[AS6] an async function before keyBy is refused when the job is written", () => {
  const lines = job("early", options).lines();
  const later = async (line: string): Promise<string> => line;
  expect(() => lines.map(later)).toThrow(
    'map in job "early" was given an async function. A line must give the same records whenever it is run, ' +
      'at once. Put what is asynchronous after keyBy: .keyBy(…).mapAsync("enriched", async (record) => …).',
  );
});

test.each([1, 2, 3, 4, 5, 6])(
  "[AS2] [rule 14] under faults each record is enriched once and in the order of its key (seed %i)",
  async (seed) => {
    const random = new SeededRandom(seed);
    const outside = new Outside(() => random.between(1, random.chance(0.1) ? 8_000 : 400));
    const stream = job("faults", {
      ...options,
      sources: 2,
      checkpoint: { intervalMs: 2_000 },
      restart: { attempts: 1_000_000, initialBackoffMs: 100, maxBackoffMs: 1_000 },
    })
      .lines()
      .keyBy(keyOf)
      .mapAsync(
        "enriched",
        async (line) => {
          const answer = await outside.ask(line);
          return random.chance(0.1) ? Promise.reject(new Error("Come back later.")) : answer;
        },
        {
          capacity: 1 + seed,
          timeoutMs: 5_000,
          retry: { kind: "fixed", attempts: 50, delayMs: 100 },
        },
      )
      .output();
    const world = open(stream, outside, { seed, rates: ORDINARY_FAULTS });
    // A key's lines all come from one source, so that they have an order.
    const lines = Array.from({ length: 80 }, (_, index) => `${index % 6} ${index}`);
    for (let from = 0; from < lines.length;) {
      const count = random.between(1, 15);
      const some = lines.slice(from, from + count);
      for (const source of [0, 1]) {
        const ofSource = some.filter((line) => Number(keyOf(line)) % 2 === source);
        if (ofSource.length > 0) await world.post(ofSource, source);
      }
      from += count;
      if (random.chance(0.5)) await world.pass(random.between(1, 4_000));
      if (random.chance(0.2)) await world.checkpoint();
    }
    world.calm();
    await world.pass(60_000);
    await world.checkpoint();
    const values = (await world.values()).map(String);
    for (const key of ["0", "1", "2", "3", "4", "5"]) {
      expect(values.filter((value) => keyOf(value) === key)).toEqual(
        lines.filter((line) => keyOf(line) === key).map((line) => `${line}!`),
      );
    }
    expect(outside.asked.length).toBeGreaterThan(lines.length);
  },
);

test("[AS5] a result that is not there yet is asked for again, and the last attempt's result counts", async () => {
  const outside = new Outside(() => 0);
  const asked: string[] = [];
  const ask = async (line: string, { attempt }: AsyncContext<string>): Promise<string> => {
    asked.push(`${line} ${attempt}`);
    await outside.passing(10);
    return line === "soon" && attempt === 3 ? "there" : "pending";
  };
  const stream = job("polled", options)
    .lines()
    .keyBy(keyOf)
    .mapAsync("enriched", ask, {
      retry: { kind: "fixed", attempts: 4, delayMs: 100 },
      retryIfResult: ([value]) => value === "pending",
    })
    .output();
  const world = open(stream, outside);
  await world.post(["soon", "never"]);
  await world.pass(5_000);
  await world.checkpoint();
  expect((await world.values()).toSorted(byText)).toEqual(["pending", "there"]);
  const attempts = (line: string): string[] => asked.filter((each) => each.startsWith(line));
  expect(attempts("soon")).toEqual(["soon 1", "soon 2", "soon 3"]);
  expect(attempts("never")).toEqual(["never 1", "never 2", "never 3", "never 4"]);
});
