/**
 * A coordinator that crashes at every step it names while output is committed, to the feed and to a
 * sink, and while the bucket is scanned: nothing is lost, nothing is committed twice in the feed,
 * nothing that anybody knows is deleted.
 */
import assert from "node:assert/strict";
import { expect, it } from "vitest";
import type { ExternalSink, SinkCommit } from "../../../durable-objects/coordinator/commits.ts";
import type { OutputInterval } from "../../../durable-objects/messages.ts";
import { readOutputPage } from "../../../workers/output/output-page.ts";
import { ScriptedJob, survive } from "./scripted-job.ts";

const options = { checkpoint: { intervalMs: 1_000, timeoutMs: 30_000, tolerableFailures: 3 } };
const dayMs = 24 * 3_600_000;

/** Notes what it is given: at least once, with a key that tells repeats. */
class NotingSink implements ExternalSink {
  readonly name = "noting";
  readonly layout = {};
  readonly byKey = new Map<string, string>();

  async commit({ key, output }: SinkCommit): Promise<void> {
    let text = "";
    for (const segment of output) {
      if (segment.kind !== "results" || !("inline" in segment.data)) continue;
      text += new TextDecoder().decode(segment.data.inline);
    }
    assert.equal(text, this.byKey.get(key) ?? text, "A repeated commit brought other bytes.");
    this.byKey.set(key, text);
  }
}

/** What a partition keeps: one result for each barrier it has seen after `base`. */
function intervals(job: ScriptedJob, index: number, base: number): OutputInterval[] {
  const seen = new Set(job.sources[0]!.triggers.map(({ checkpoint }) => checkpoint));
  return [...seen]
    .filter((checkpoint) => checkpoint > base)
    .map((checkpoint) => ({
      checkpoint,
      records: 1,
      data: { inline: new TextEncoder().encode(`{"value":"${index}:${checkpoint}"}\n`) },
    }));
}

async function acknowledge(job: ScriptedJob): Promise<void> {
  const trigger = job.sources[0]!.triggers.at(-1);
  for (const index of job.partitions.keys()) {
    if (trigger === undefined) return;
    const output = intervals(job, index, trigger.base);
    const acknowledgement = job.acknowledgement(index, trigger.checkpoint, { output });
    await survive(job.coordinator.acknowledge(acknowledgement));
    await job.advance(3_000);
  }
}

/** Two checkpoints with output; calls that broke are repeated. */
async function run(job: ScriptedJob): Promise<void> {
  await job.attachAll();
  for (let round = 0; round < 5; round++) {
    await survive(job.lines(10, "silent"));
    await job.advance(3_000);
    await acknowledge(job);
    await job.advance(20_000);
    await survive(job.repeatReport());
  }
  await job.advance(60_000);
}

async function stepsOf(work: (job: ScriptedJob) => Promise<void>): Promise<readonly string[]> {
  const job = new ScriptedJob(options, [new NotingSink()]);
  const steps = new Set<string>();
  job.context.onCrashPoint = (name) => void steps.add(name);
  await work(job);
  // Those of waking up and attaching have nothing to do with output.
  return [...steps].filter((step) => !/create|wake|attach/.test(step));
}

it("[rule 17] [rule 19] commits every result once, in order, whatever step the coordinator crashes at", async () => {
  const steps = await stepsOf(run);
  expect(steps).toContain("coordinator: after committed");
  for (const step of steps) {
    const sink = new NotingSink();
    const job = new ScriptedJob(options, [sink]);
    job.crashAt(step);
    await run(job);
    const { body } = await readOutputPage(job.coordinator, job.bucket, { limit: 1_000 });
    const values = [...body.matchAll(/"value":"(\d):(\d+)"/g)].map(([, index, id]) => [
      Number(index),
      Number(id),
    ]);
    const latest = await job.latest();
    const seen = new Set(job.sources[0]!.triggers.map(({ checkpoint }) => checkpoint));
    const expected = [...seen].filter((id) => id <= latest);
    for (const partition of job.partitions.keys()) {
      const own = values.filter(([index]) => index === partition).map(([, id]) => id);
      expect({ step, own }).toEqual({ step, own: expected });
    }
    const sunk = [...sink.byKey.values()].join("");
    expect({ step, lines: sunk.split("\n").length }).toEqual({ step, lines: values.length + 1 });
  }
});

/** A scan on request, over a bucket with one orphan, and whatever its sweep leaves for later. */
async function scan(job: ScriptedJob): Promise<void> {
  await job.attachAll();
  await job.completeOne(1);
  job.bucket.blobs.set(job.path(0, "orphan"), new Uint8Array(3));
  await job.advance(dayMs);
  await survive(job.coordinator.scanOrphans({}));
  await job.advance(60_000);
}

it("[rule 10] a scan that crashes at any step deletes nothing that is known, and the next one ends it", async () => {
  const steps = await stepsOf(scan);
  expect(steps).toContain("coordinator: before scan");
  for (const step of steps.filter((one) => /scan|sweep|forget/.test(one))) {
    const job = new ScriptedJob(options);
    job.crashAt(step);
    await scan(job);
    await survive(job.coordinator.scanOrphans({}));
    await job.advance(60_000);
    const { restored } = await job.attach(0);
    expect({
      step,
      orphan: job.bucket.blobs.has(job.path(0, "orphan")),
      known: restored.tables.every(({ path }) => job.bucket.blobs.has(path)),
    }).toEqual({ step, orphan: false, known: true });
  }
});
