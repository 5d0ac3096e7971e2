/** The end of a bounded job, and a drained stop, wait for asynchronous functions and what follows them. */
import { expect, onTestFinished, test } from "vitest";
import { generator } from "../../../dataflow/feeds/generator.ts";
import { job, type Stream } from "../../../dataflow/job.ts";
import type { BuiltStream } from "../../../dataflow/job.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import { JobWorld, ORDINARY_FAULTS, type JobWorldOptions } from "../jobs/job-world.ts";

const COUNT = 60;
const SIZE_MS = 10;

const options = {
  parallelism: 2,
  maxParallelism: 8,
  sources: 2,
  checkpoint: { intervalMs: 2_000 },
  restart: { initialBackoffMs: 100, maxBackoffMs: 200, attempts: 3 },
} as const;

/** Two asynchronous functions, one after the other, and a window behind them. */
function enriched(lines: Stream<string>, wait: () => Promise<void>): BuiltStream {
  const ask = async (at: number): Promise<number> => {
    await wait();
    return at;
  };
  return lines
    .map(Number)
    .assignTimestampsAndWatermarks(watermarks.boundedOutOfOrderness<number>(1_000, (at) => at))
    .keyBy((at) => at % 3, "integer")
    .mapAsync("first", ask, { capacity: 8 })
    .keyBy((at) => at % 2, "integer")
    .mapAsync("second", ask, { capacity: 8 })
    .keyBy(() => "all")
    .window(tumblingWindows(SIZE_MS))
    .count("counted", (count, { window }) => [`${window.start}: ${count}`])
    .output();
}

const expected = Array.from(
  { length: COUNT / SIZE_MS },
  (_, index) => `${index * SIZE_MS}: ${SIZE_MS}`,
).toSorted();

/** The functions answer after `delayMs` of the world's time. */
function open(
  build: (wait: () => Promise<void>) => BuiltStream,
  delayMs: number | (() => number),
  worldOptions: JobWorldOptions,
): JobWorld {
  const opened: JobWorld = new JobWorld(
    build(
      () =>
        new Promise((resolve) => {
          const time = typeof delayMs === "number" ? delayMs : delayMs();
          opened.world.scheduler.schedule(time, "the outside answers", resolve);
        }),
    ),
    worldOptions,
  );
  onTestFinished(() => opened.close());
  return opened;
}

async function sorted(it: JobWorld): Promise<readonly string[]> {
  return ((await it.values()) as readonly string[]).toSorted();
}

const numbers = generator({ count: COUNT, create: (index) => String(index) });

test.each([1, 2, 3, 4])(
  "[AS7] a bounded job is FINISHED only when every asynchronous result is in the output (seed %i)",
  async (seed) => {
    const unaligned = seed % 2 === 0 ? { unaligned: { alignmentTimeoutMs: 0 } } : {};
    const checkpoint = { ...options.checkpoint, ...unaligned };
    const build = (wait: () => Promise<void>): BuiltStream =>
      enriched(
        job("bounded", { ...options, checkpoint })
          .from(numbers)
          .lines(),
        wait,
      );
    const it = open(build, 1_500, { seed, rates: seed > 2 ? ORDINARY_FAULTS : {} });
    await it.describe();
    await it.until("FINISHED");
    it.calm();
    expect(await sorted(it)).toEqual(expected);
    // Nothing waits: no task is woken any more. (The coordinator may look for orphans much later.)
    await it.pass(120_000);
    expect(it.alarms().filter((name) => name !== "coordinator")).toEqual([]);
  },
);

test.each([5, 6])("[AS7] a drained stop waits for asynchronous results (seed %i)", async (seed) => {
  const build = (wait: () => Promise<void>): BuiltStream =>
    enriched(job("drained", options).lines(), wait);
  const it = open(build, 1_500, { seed, rates: seed > 5 ? ORDINARY_FAULTS : {} });
  await it.post(Array.from({ length: COUNT }, (_, index) => String(index)));
  await it.stop({ drain: true, savepoint: false });
  it.calm();
  expect(await it.status()).toBe("STOPPED");
  expect(await sorted(it)).toEqual(expected);
});

test.each([
  ["each checkpoint expires before", 5_000],
  ["the checkpoint would have longer", 600_000],
])(
  "[AS7] a drained stop that takes too long is refused, and the job goes on as before (%s)",
  async (_, timeoutMs) => {
    let delayMs = 200_000;
    const checkpoint = { ...options.checkpoint, timeoutMs, tolerableFailures: 100 };
    const build = (wait: () => Promise<void>): BuiltStream =>
      enriched(job("drained", { ...options, checkpoint }).lines(), wait);
    const it = open(build, () => delayMs, { seed: 7 });
    const lines = Array.from({ length: COUNT }, (_unused, index) => String(index));
    await it.post(lines.slice(0, COUNT / 2));
    const stop = it.world.outside("operator").coordinator().stop({ drain: true, savepoint: false });
    await it.pass(61_000);
    expect(await stop).toMatchObject({
      kind: "refused",
      reason: expect.stringMatching(
        /^The final checkpoint did not complete within 60000 ms\. The job was not stopped/,
      ),
    });
    expect(await it.status()).toMatch(/^(RUNNING|RESTARTING)$/);
    delayMs = 100;
    // No final watermark is left: these are not late.
    await it.post(lines.slice(COUNT / 2));
    await it.stop({ drain: true, savepoint: false });
    expect(await it.status()).toBe("STOPPED");
    expect(await sorted(it)).toEqual(expected);
  },
);
