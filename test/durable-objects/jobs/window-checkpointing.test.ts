/**
 * Flink's EventTimeWindowCheckpointingITCase by its names: windows over keyed streams in a job whose tasks
 * lose their memory again and again, after checkpoints and between them. Every window's contents are exact, and each
 * window comes once.
 */
import { afterEach, describe, expect, test } from "vitest";
import { int64Codec } from "../../../dataflow/codecs/plain-codecs.ts";
import { job, type BuiltStream, type Stream } from "../../../dataflow/job.ts";
import { valueState } from "../../../dataflow/state/state-descriptor.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import { slidingWindows, tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import { JobWorld, ORDINARY_FAULTS } from "./job-world.ts";

/** As Flink's source: each key gives one element for each instant. */
interface Element {
  readonly key: string;
  readonly at: number;
}

const KEYS = 5;
const INSTANTS = 60;
const WINDOW = 10;
const SLIDE = 5;
/** Windows up to here are over when the last instant has come. */
const END_OF_TIME = INSTANTS - 2;

const worlds: JobWorld[] = [];
afterEach(() => worlds.splice(0).forEach((world) => world.close()));

function elements(maxParallelism: number): Stream<Element> {
  const options = {
    parallelism: 3,
    maxParallelism,
    checkpoint: { intervalMs: 500 },
    restart: { attempts: 1_000_000, maxBackoffMs: 1_000 },
  };
  return job("windows", options)
    .lines()
    .map((line) => JSON.parse(line) as Element)
    .assignTimestampsAndWatermarks(watermarks.monotonousTimestamps(({ at }) => at));
}

/** Fails after a quarter, a half and three quarters of the input, and at random besides. */
async function run(stream: BuiltStream): Promise<readonly unknown[]> {
  const world = new JobWorld(stream, { seed: 31, rates: { ...ORDINARY_FAULTS, crash: 0.02 } });
  worlds.push(world);
  for (let at = 0; at < INSTANTS; at++) {
    const keys = Array.from({ length: KEYS }, (_, index) => `key ${index}`);
    await world.post(keys.map((key) => JSON.stringify({ key, at })));
    if (at % (INSTANTS / 4) === 0 && at > 0) {
      await world.checkpoint();
      world.loseMemory();
    }
    await world.pass(100);
  }
  world.calm();
  await world.checkpoint();
  return world.values();
}

/** [key, start, sum of the instants in the window], for each window that is over. */
function expected(size: number, slide: number): readonly (readonly [string, number, number])[] {
  const windows: [string, number, number][] = [];
  for (let start = slide - size; start + size - 1 <= END_OF_TIME; start += slide) {
    const instants = Array.from({ length: size }, (_, index) => start + index);
    const sum = instants.filter((at) => at >= 0).reduce((total, at) => total + at, 0);
    for (let key = 0; key < KEYS; key++) windows.push([`key ${key}`, start, sum]);
  }
  return windows;
}

const byText = (values: readonly unknown[]): readonly string[] =>
  values.map((value) => JSON.stringify(value)).toSorted();

const sumOf = (own: Iterable<Element>): number => {
  let sum = 0;
  for (const { at } of own) sum += at;
  return sum;
};

describe("EventTimeWindowCheckpointingITCase", () => {
  test.each([
    ["testTumblingTimeWindow", WINDOW, WINDOW, 128],
    ["testTumblingTimeWindowWithKVStateMinMaxParallelism", WINDOW, WINDOW, 3],
    ["testTumblingTimeWindowWithKVStateMaxMaxParallelism", WINDOW, WINDOW, 1_024],
    ["testSlidingTimeWindow", WINDOW, SLIDE, 128],
  ] as const)("%s: the elements of each window are exact", async (_name, size, slide, maximum) => {
    const stream = elements(maximum)
      .keyBy(({ key }) => key)
      .window(size === slide ? tumblingWindows(size) : slidingWindows(size, slide))
      .process("sums", (own, { key, window }) => [[key, window.start, sumOf(own)]])
      .output();
    expect(byText(await run(stream))).toEqual(byText(expected(size, slide)));
  });

  test.each([
    ["testPreAggregatedTumblingTimeWindow", WINDOW, WINDOW],
    ["testPreAggregatedSlidingTimeWindow", WINDOW, SLIDE],
  ] as const)("%s: the sum of each window is exact", async (_name, size, slide) => {
    const stream = elements(128)
      .keyBy(({ key }) => key)
      .window(size === slide ? tumblingWindows(size) : slidingWindows(size, slide))
      .sum(
        "sums",
        ({ at }) => at,
        (sum, { key, window }) => [[key, window.start, sum]],
      )
      .output();
    expect(byText(await run(stream))).toEqual(byText(expected(size, slide)));
  });

  test("testTumblingTimeWindowWithKVState, TimersSavepointITCase: state and timers of a key survive every restore, and each timer fires once", async () => {
    const count = valueState("count", int64Codec);
    const stream = elements(128)
      .keyBy(({ key }) => key)
      .process("counts", {
        state: { count },
        process({ at }, { state, timers }) {
          state.count.update((state.count.get() ?? 0) + 1);
          if (at % WINDOW === 0) timers.registerEventTimeTimer(at + WINDOW - 1);
        },
        onTimer({ timestamp }, { key, state }) {
          return [[key, timestamp, state.count.get()]];
        },
      })
      .output();
    const times = Array.from({ length: INSTANTS / WINDOW }, (_, index) => (index + 1) * WINDOW - 1);
    const due = times.filter((at) => at <= END_OF_TIME);
    const fired = due.flatMap((at) =>
      Array.from({ length: KEYS }, (_, index) => [`key ${index}`, at]),
    );
    const values = (await run(stream)) as [string, number, number][];
    expect(byText(values.map(([key, at]) => [key, at]))).toEqual(byText(fired));
    // A timer fires when the element after it moves time on: everything up to it was counted.
    for (const [, at, counted] of values) expect(counted).toBeGreaterThanOrEqual(at + 1);
  });
});
