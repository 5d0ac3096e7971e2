/** Bounded jobs end FINISHED, with everything in state and output, whatever crashes on the way. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { generator } from "../../../dataflow/feeds/generator.ts";
import { r2Objects } from "../../../dataflow/feeds/r2-objects.ts";
import { job } from "../../../dataflow/job.ts";
import type { BuiltStream } from "../../../dataflow/job.ts";
import { watermarks } from "../../../dataflow/time/watermark-strategy.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";
import type { Coordination } from "../../../durable-objects/coordinator/coordination.ts";
import { noteEnd } from "../../../durable-objects/coordinator/end-of-input.ts";
import type { SourceRow } from "../../../durable-objects/coordinator/rows.ts";
import type { SourceReport } from "../../../durable-objects/messages.ts";
import { sourceOfObject } from "../../../durable-objects/source/feeds/object-list.ts";
import { ScriptedInputs } from "../../support/scripted-inputs.ts";
import { JobWorld, ORDINARY_FAULTS, type JobWorldOptions } from "../jobs/job-world.ts";

interface Click {
  readonly page: string;
  readonly at: number;
}

const options = { parallelism: 2, maxParallelism: 8, sources: 2 } as const;
const minute = 60_000;

/** Clicks per page and minute; then the pages per number of clicks in that minute: two vertices in a row. */
function clicksPerMinute(builder: ReturnType<typeof job>): BuiltStream {
  return builder
    .lines()
    .map((line) => JSON.parse(line) as Click)
    .assignTimestampsAndWatermarks(watermarks.boundedOutOfOrderness(1_000, (click) => click.at))
    .keyBy((click) => click.page)
    .window(tumblingWindows(minute))
    .count("clicks", (count, { key, window }) => [{ page: key, minute: window.start, count }])
    .keyBy((result) => String(result.count))
    .window(tumblingWindows(minute))
    .count("pages", (pages, { key, window }) => [`${window.start / minute}: ${pages} with ${key}`])
    .output();
}

function click(index: number): Click {
  return { page: `page-${(index * 7) % 5}`, at: Math.floor(index / 10) * 6_000 };
}

/** The same by counting. */
function expectedResults(clicks: readonly Click[]): readonly string[] {
  const perPage = new Map<string, number>();
  for (const { at, page } of clicks) {
    const name = `${Math.floor(at / minute)}/${page}`;
    perPage.set(name, (perPage.get(name) ?? 0) + 1);
  }
  const pages = new Map<string, number>();
  for (const [name, count] of perPage) {
    const result = `${name.split("/")[0]!}/${count}`;
    pages.set(result, (pages.get(result) ?? 0) + 1);
  }
  const results = [...pages].map(([name, count]) => {
    const [start, clicked] = name.split("/");
    return `${start!}: ${count} with ${clicked!}`;
  });
  return results.toSorted(byText);
}

async function sorted(it: JobWorld): Promise<readonly string[]> {
  return ((await it.values()) as readonly string[]).toSorted(byText);
}

function byText(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

function world(stream: BuiltStream, worldOptions: JobWorldOptions = {}): JobWorld {
  const created = new JobWorld(stream, worldOptions);
  onTestFinished(() => created.close());
  return created;
}

function archive(clicks: readonly Click[]): ScriptedInputs {
  const inputs = new ScriptedInputs({ pageSize: 3 });
  const objects = 8;
  for (let object = 0; object < objects; object++) {
    const lines = clicks
      .filter((_, index) => Math.floor((index * objects) / clicks.length) === object)
      .map((one) => JSON.stringify(one));
    const text = lines.join("\n");
    if (object % 4 === 0) inputs.put(`clicks/${object}.ndjson`, `${text}\r\n\r\n`);
    if (object % 4 === 1) inputs.put(`clicks/${object}.ndjson.gz`, gzipSync(text));
    if (object % 4 === 2) inputs.put(`clicks/${object}.zst`, zstdCompressSync(text));
    if (object % 4 === 3) inputs.put(`clicks/${object}`, gzipSync(`${text}\n`), "gzip");
  }
  inputs.put("elsewhere", "not json");
  return inputs;
}

test("[FD1] a bounded job over objects of R2 ends FINISHED with the exact result", async () => {
  const clicks = Array.from({ length: 200 }, (_, index) => click(index));
  const feed = r2Objects({ prefix: "clicks/" });
  const it = world(clicksPerMinute(job("archive", options).from(feed)), {
    inputs: archive(clicks),
  });
  await it.until("FINISHED");
  expect(await sorted(it)).toEqual(expectedResults(clicks));
  const description = await it.describe();
  const feeds = (description["sources"] as { feeds: { done: number; lines: number }[] }[]).flatMap(
    (source) => source.feeds,
  );
  expect(feeds.reduce((sum, one) => sum + one.done, 0)).toBe(8);
  expect(feeds.reduce((sum, one) => sum + one.lines, 0)).toBe(200);
});

test.each([1, 2, 3, 4, 5, 6])(
  "[FD1] a bounded job over objects of R2 is exact under faults (seed %i)",
  async (seed) => {
    const clicks = Array.from({ length: 200 }, (_, index) => click(index));
    const feed = r2Objects({ prefix: "clicks/" });
    const stream = clicksPerMinute(job("archive", options).from(feed));
    const it = world(stream, { seed, inputs: archive(clicks), rates: ORDINARY_FAULTS });
    await it.until("FINISHED");
    it.calm();
    expect(await sorted(it)).toEqual(expectedResults(clicks));
  },
);

test("[FD2] a generator makes each index once, spread over the sources", async () => {
  const feed = generator({ create: (index) => click(index), count: 501 });
  const it = world(clicksPerMinute(job("made", options).from(feed)), {
    seed: 7,
    rates: ORDINARY_FAULTS,
  });
  await it.until("FINISHED");
  it.calm();
  const clicks = Array.from({ length: 501 }, (_, index) => click(index));
  expect(await sorted(it)).toEqual(expectedResults(clicks));
});

test("CheckpointAfterAllTasksFinishedITCase: checkpoints complete when one source has ended and another has not, and what they hold survives", async () => {
  const clicks = Array.from({ length: 80 }, (_, index) => click(index));
  const inputs = new ScriptedInputs();
  for (let object = 0; object < 8; object++) {
    const lines = clicks.slice(object * 10, object * 10 + 10).map((one) => JSON.stringify(one));
    inputs.put(`clicks/${object}`, lines.join("\n"));
  }
  // What source 1 asks for cannot be read until somebody mends it.
  let isHeld = true;
  inputs.listeners.push((what) => {
    const [, key] = /^read (\S+) at/.exec(what) ?? [];
    if (isHeld && key !== undefined && sourceOfObject(key, 2) === 1) throw new Error("Held.");
  });
  const feed = r2Objects({ prefix: "clicks/" });
  const it = world(clicksPerMinute(job("archive", options).from(feed)), { inputs });
  await it.pass(30_000);
  await it.checkpoint();
  // Source 0 has read all it ever will, and source 1 nothing.
  const ofSource0 = [...inputs.objects.keys()].filter((key) => sourceOfObject(key, 2) === 0);
  expect(ofSource0.length).toBeGreaterThan(0);
  expect(ofSource0.length).toBeLessThan(8);
  const { id, sources: covered } = await it.manifest();
  expect(id).toBeGreaterThan(0);
  expect(covered.map(({ offset }) => offset)).toEqual([10 * ofSource0.length, 0]);
  expect(await it.status()).toBe("RUNNING");
  it.loseMemory();
  isHeld = false;
  await it.until("FINISHED");
  expect(await sorted(it)).toEqual(expectedResults(clicks));
});

test("[FD3] a job that is FINISHED is idle and refuses lines", async () => {
  const feed = generator({ create: (index) => click(index), count: 20 });
  const it = world(clicksPerMinute(job("made", options).from(feed)));
  await it.until("FINISHED");
  await it.pass(60_000);
  expect(await it.status()).toBe("FINISHED");
  expect(await it.append("{}")).toMatchObject({ kind: "unavailable", status: "FINISHED" });
});

test("[FD4] stop with drain fires every window, and the watermark stays at its end", async () => {
  const it = world(clicksPerMinute(job("posted", options)));
  const clicks = Array.from({ length: 40 }, (_, index) => click(index));
  await it.post(clicks.map((one) => JSON.stringify(one)));
  await it.stop({ drain: true, savepoint: false });
  expect(await it.status()).toBe("STOPPED");
  expect(await sorted(it)).toEqual(expectedResults(clicks));
});

test("a report that is overtaken by a later one does not take back that a feed has ended", () => {
  let row = { source: 0, generation: 1 } as SourceRow;
  const rows = { source: () => row, writeSource: (changed: SourceRow) => void (row = changed) };
  const report = { source: 0 } as SourceReport;
  for (const hasEnded of [true, false]) {
    const feeds = [{ name: "made", hasEnded }];
    noteEnd({ rows } as unknown as Coordination, { ...report, feeds, hasEnded });
  }
  expect(row.endedFeeds).toEqual(["made"]);
});
