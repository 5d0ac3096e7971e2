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

/** Steps that only an operator's call, a sink or a second keyed vertex leads to: the simulated job has none of these. */
const SHOWN_ELSEWHERE: readonly string[] = [
  "begin scan",
  "cancel",
  "commit to sink",
  "commits",
  "committed",
  "fail",
  "give up manifest",
  "prune output",
  "restart",
  "roll back",
  "scan",
  "start",
  "stop given up",
  "task changed",
];

/** A point met only now and then, and a seed whose faults lead to it twice. */
const SEEDS: Readonly<Record<string, number>> = {
  "coordinator: expire": 8,
  "coordinator: forget objects": 17,
  "coordinator: request progress": 30,
  "coordinator: strays": 24,
};

/** Much of everything and no fault but the crash: several checkpoints, uploads, sweeps. */
const PLAIN: Scenario = {
  ...scenarioOf(1),
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

function stepsOfTheProduct(): readonly string[] {
  const names = new Set<string>();
  for (const file of readdirSync(PRODUCT, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const text = readFileSync(new URL(file, PRODUCT), "utf8");
    for (const [, name] of text.matchAll(/crashPoint\("([^"]+)"\)/g)) names.add(name!);
    for (const [, step] of text.matchAll(/\.step\(\s*"([^"]+)"/g)) {
      if (SHOWN_ELSEWHERE.includes(step!)) continue;
      names.add(`coordinator: before ${step}`).add(`coordinator: after ${step}`);
    }
  }
  return [...names].toSorted();
}

function worldFor(point: string): Scenario {
  const seed = SEEDS[point.replace(/^(\w+): (before|after) /, "$1: ")];
  return seed === undefined ? PLAIN : scenarioOf(seed);
}

it("knows the crash points of the product", () => {
  expect(stepsOfTheProduct().length).toBeGreaterThan(50);
});

it.each(stepsOfTheProduct())("survives a crash %s, and one the next time", async (point) => {
  for (const passing of [1, 2]) {
    const result = await simulate(worldFor(point), { crashAt: { point, passing } });
    expect({ passing, failure: result.failure }).toEqual({ passing, failure: undefined });
    expect(result.crashPoints.get(point) ?? 0).toBeGreaterThanOrEqual(passing);
  }
});
