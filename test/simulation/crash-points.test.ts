/**
 * Every crash point of the product is crashed at on purpose, at its first and at its second passing, in
 * a world that passes it. The list of points is read from the product's own text, so that a new one is
 * either reached here or named below with the test that shows it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { NO_FAULTS } from "./faults.ts";
import { scenarioOf, type Scenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";

const PRODUCT = new URL("../../durable-objects/", import.meta.url);

const OUTPUT = "test/durable-objects/coordinator/crash-output.test.ts";
const SINKS = "test/durable-objects/sinks/exactly-once.test.ts";
const FEEDS = "test/durable-objects/feeds/crash-points.test.ts";
const STORAGE = "test/durable-objects/coordinator/check-storage.test.ts";
const OPERATOR = "test/simulation/operator-crash-points.test.ts";

/** Steps that only an operator's call, a failing task, output or a sink leads to, and who crashes there. */
const SHOWN_ELSEWHERE: Readonly<Record<string, string>> = {
  "append of messages": FEEDS,
  "begin scan": OUTPUT,
  cancel: OPERATOR,
  "commit to sink": SINKS,
  commits: SINKS,
  committed: SINKS,
  decline: OPERATOR,
  fail: OPERATOR,
  "feed step": FEEDS,
  "give up manifest": OPERATOR,
  "keep sink state": SINKS,
  "prune output": OPERATOR,
  restart: OPERATOR,
  "roll back": OPERATOR,
  scan: OUTPUT,
  start: OPERATOR,
  "stop given up": OPERATOR,
  "task changed": OPERATOR,
  "wait for storage": STORAGE,
};

/** Steps met only when something goes wrong: looked for in worlds where much does. */
const RARE =
  /^(coordinator: (before|after) (delete objects|expire|forget objects|request progress|strays)|partition: (before|after) delete)$/;
const SEEDS = 30;

/** Much of everything and no fault but the crash: several checkpoints, uploads, sweeps. */
const PLAIN: Scenario = {
  ...scenarioOf(1),
  job: "wordCount",
  input: "posted",
  restarts: 0,
  hasSink: false,
  hasLongPauses: false,
  sources: 2,
  partitions: 2,
  retained: 1,
  intervalMs: 1_000,
  mode: "incremental",
  producers: 2,
  requestsPerProducer: 8,
  linesPerRequest: 10,
  paddingBytes: 1_000,
  memoryBytes: 64 * 1024,
  rates: NO_FAULTS,
};

/** Checkpoints that expire, requests that wait, deletions that fail, uploads that nobody acknowledged. */
const HARD: Partial<Scenario> = {
  timeoutMs: 10_000,
  tolerableFailures: 1_000,
  rates: {
    ...NO_FAULTS,
    crash: 0.005,
    lostCall: 0.05,
    lostAnswer: 0.1,
    slowCall: 0.1,
    blobFailure: 0.2,
    blobIndeterminate: 0.1,
    blobSlow: 0.3,
  },
};

function isShownElsewhere(step: string): boolean {
  return SHOWN_ELSEWHERE[step] !== undefined;
}

function stepsOfTheProduct(): readonly string[] {
  const names = new Set<string>();
  for (const file of readdirSync(PRODUCT, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const text = readFileSync(new URL(file, PRODUCT), "utf8");
    for (const [, name] of text.matchAll(/crashPoint\("([^"]+)"\)/g)) {
      if (!isShownElsewhere(name!.replace(/^\w+: (before|after) /, ""))) names.add(name!);
    }
    for (const [, step] of text.matchAll(/\.step\(\s*"([^"]+)"/g)) {
      if (isShownElsewhere(step!)) continue;
      names.add(`coordinator: before ${step}`).add(`coordinator: after ${step}`);
    }
  }
  return [...names].toSorted();
}

/** Where nothing is put in but the crash, or else one world after another until one passes the point twice. */
function* worldsFor(point: string): Generator<Scenario> {
  if (!RARE.test(point)) return yield PLAIN;
  for (let seed = 1; seed <= SEEDS; seed++) yield { ...PLAIN, ...HARD, seed };
}

async function passingsOf(point: string): Promise<number> {
  const crashAt = { point, passings: [1, 2] };
  let most = 0;
  for (const world of worldsFor(point)) {
    const { crashPoints, failure, scenario } = await simulate(world, { crashAt });
    expect({ seed: scenario.seed, failure }).toEqual({ seed: scenario.seed, failure: undefined });
    most = Math.max(most, crashPoints.get(point) ?? 0);
    if (most >= crashAt.passings.length) break;
  }
  return most;
}

it("knows the crash points of the product", () => {
  expect(stepsOfTheProduct().length).toBeGreaterThan(50);
});

it.each(stepsOfTheProduct())("survives a crash %s, and one the next time", async (point) => {
  expect(await passingsOf(point)).toBeGreaterThanOrEqual(2);
});
