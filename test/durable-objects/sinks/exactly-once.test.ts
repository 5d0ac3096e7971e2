/**
 * Every kind of sink in a world that fails, with a coordinator that crashes between any two durable
 * steps and calls: what arrives is what the feed says, once, however it came.
 */
import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import type { SinkDefinition } from "../../../dataflow/sinks/sink-definition.ts";
import { queue } from "../../../dataflow/sinks/queue.ts";
import { r2Files } from "../../../dataflow/sinks/r2-files.ts";
import { webhook } from "../../../dataflow/sinks/webhook.ts";
import { weirJob } from "../../../dataflow/sinks/weir-job.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import type { ScriptedWorld } from "./scripted-world.ts";
import { SinkJob } from "./sink-job.ts";

interface Kind {
  readonly definition: SinkDefinition;
  /** What has arrived, as JSON texts. */
  readonly arrived: (world: ScriptedWorld) => readonly string[];
  /** In order of commit. */
  readonly isOrdered: boolean;
}

const hook = webhook({
  name: "results",
  url: "https://example.com/hook",
  signingSecret: "SIGNING",
  maxRecords: 50,
});
const files = r2Files({ name: "results", path: "f/{kind}/", bucket: "FILES", maxPartitions: 2 });
const small = { rollBytes: 1_500, openBytes: 2_500 };

const kinds: Readonly<Record<string, Kind>> = {
  webhook: {
    definition: hook,
    arrived: ({ bodies }) => linesOf(...bodies.values()),
    isOrdered: true,
  },
  queue: {
    definition: queue({ name: "results", binding: "QUEUE" }),
    arrived: ({ messages }) =>
      [...messages.values()].map(({ key, value }) =>
        JSON.stringify(key === undefined ? value : { key, value }),
      ),
    isOrdered: true,
  },
  "job of this Worker": {
    definition: {
      ...weirJob({ name: "results", job: "other" }),
      layout: { maxRecords: 50, maxBytes: 2_000 },
    },
    arrived: ({ lines }) => lines,
    isOrdered: true,
  },
  "job elsewhere": {
    definition: {
      ...weirJob({
        name: "results",
        job: "other",
        url: "https://weir.example.com/",
        token: "TOKEN",
      }),
      layout: { maxRecords: 45, maxBytes: 2_000 },
    },
    arrived: ({ lines }) => lines,
    isOrdered: true,
  },
  "R2 files": {
    definition: { ...files, layout: { ...files.layout, ...small } },
    arrived: (world) => filesOf(world, false),
    isOrdered: false,
  },
  "R2 files with gzip": {
    definition: { ...files, layout: { ...files.layout, ...small, gzip: true } },
    arrived: (world) => filesOf(world, true),
    isOrdered: false,
  },
};

function linesOf(...bodies: readonly string[]): readonly string[] {
  return bodies.flatMap((body) => body.split("\n")).filter((line) => line !== "");
}

/** The lines of all files that manifests list; there are no other objects. */
function filesOf({ objects }: ScriptedWorld, isGzip: boolean): readonly string[] {
  const manifests = [...objects].filter(([key]) => key.startsWith("f/_manifests/"));
  const listed = manifests.flatMap(([, { bytes }]) => {
    const { files: written } = JSON.parse(new TextDecoder().decode(bytes)) as {
      files: { key: string; size: number; records: number }[];
    };
    return written;
  });
  expect(objects.size).toBe(manifests.length + listed.length);
  return listed.flatMap(({ key, records, size }) => {
    const { bytes } = objects.get(key)!;
    expect(bytes.length).toBe(size);
    const lines = linesOf(new TextDecoder().decode(isGzip ? gunzipSync(bytes) : bytes));
    expect(lines.length).toBe(records);
    return lines;
  });
}

/** Lines of two outputs and of both forms, the same for the same partition and checkpoint. */
function resultsOf(index: number, checkpoint: number): readonly string[] {
  const random = new SeededRandom(index * 1_000 + checkpoint);
  return Array.from({ length: 50 + random.integer(40) }, (_, number) => {
    const value = JSON.stringify({
      kind: `k${number % 4}`,
      at: `${index}.${checkpoint}.${number}`,
    });
    if (number % 5 === 4) return `{"output":"other","value":${value}}`;
    const key = number % 5 === 3 ? `"key":"é${number}",` : "";
    return `{"output":"results",${key}"value":${value}}`;
  });
}

/** What has arrived and what has to: equal when everything came once, in order where there is one. */
async function deliveryOf(sinkJob: SinkJob, { arrived, isOrdered }: Kind) {
  const inOrder = (lines: readonly string[]) => (isOrdered ? lines : lines.toSorted());
  const expected = await sinkJob.expected("results");
  expect(expected.length).toBeGreaterThan(150);
  const { failures, lastError, uncommittedCheckpoints } = await sinkJob.described("results");
  expect([failures, lastError, uncommittedCheckpoints]).toEqual([0, null, 0]);
  return { arrived: inOrder(arrived(sinkJob.world)), expected: inOrder(expected) };
}

async function running({ definition }: Kind): Promise<SinkJob> {
  const sinkJob = new SinkJob([definition]);
  sinkJob.results = resultsOf;
  await sinkJob.job.attachAll();
  return sinkJob;
}

async function run(sinkJob: SinkJob): Promise<void> {
  for (let round = 0; round < 2; round++) await sinkJob.checkpoint();
  await sinkJob.job.advance(600_000);
  await sinkJob.job.context.idle();
}

const concerned = /world|sink|commit|complete/;

for (const name of ["webhook", "queue", "job of this Worker", "R2 files"]) {
  const kind = kinds[name]!;
  it(`[SK1] ${name}: everything arrives once when the coordinator crashes between any two steps`, async () => {
    const undisturbed = await running(kind);
    let steps = 0;
    undisturbed.job.context.onCrashPoint = (step) => void (steps += concerned.test(step) ? 1 : 0);
    await run(undisturbed);
    expect(steps).toBeGreaterThan(25);
    for (let crashAt = 1; crashAt <= steps; crashAt++) {
      const sinkJob = await running(kind);
      let passed = 0;
      sinkJob.job.crashWhen((step) => concerned.test(step) && ++passed === crashAt);
      await run(sinkJob);
      const { arrived, expected } = await deliveryOf(sinkJob, kind);
      const { crashes } = sinkJob.job;
      expect({ crashAt, crashes, arrived }).toEqual({ crashAt, crashes: 1, arrived: expected });
    }
  });
}

for (const [name, kind] of Object.entries(kinds)) {
  it(`[SK1] ${name}: everything arrives once from a world that loses calls and answers`, async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = new SeededRandom(seed);
      const sinkJob = await running(kind);
      sinkJob.world.fate = () => {
        const chance = random.next();
        if (chance < 0.15) return "lost";
        if (chance < 0.3) return "answer lost";
        return chance < 0.4 ? { status: 503, retryAfter: "2", text: "busy" } : "answered";
      };
      const isCrash = () => random.next() < 0.02;
      for (let round = 0; round < 3; round++) {
        sinkJob.job.crashWhen((step) => concerned.test(step) && isCrash());
        await sinkJob.checkpoint();
      }
      sinkJob.world.fate = () => "answered";
      await sinkJob.job.advance(4_000_000);
      await sinkJob.job.context.idle();
      const { arrived, expected } = await deliveryOf(sinkJob, kind);
      expect({ seed, arrived }).toEqual({ seed, arrived: expected });
    }
  });
}
