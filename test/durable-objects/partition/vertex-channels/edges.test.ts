/** Which operators may follow which, and what an updating stream means to the next vertex [39]. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  checkEdges,
  verticesFedBy,
  verticesFedByLog,
  verticesFeeding,
} from "../../../../dataflow/edges.ts";
import { job } from "../../../../dataflow/job.ts";
import type { JobGraph, KeyedVertex } from "../../../../dataflow/job-graph.ts";
import { countOperator } from "../../../../dataflow/operators/updating-operators.ts";
import {
  changesOf,
  retractingCountOperator,
  retractingSumOperator,
  type Change,
} from "../../../../dataflow/operators/retracting-operators.ts";
import { openHarness } from "../../../../dataflow/testing/operator-harness.ts";

function countOfCounts(): JobGraph {
  return job("counts")
    .lines()
    .keyBy((word) => word)
    .count("counts")
    .keyBy((count) => count, "integer")
    .count("counts-of-counts").graph;
}

it("answers who feeds whom, in a diamond", () => {
  const lines = job("diamond").lines();
  const left = lines.keyBy((line) => line).deduplicate("left");
  const right = lines.keyBy((line) => line).deduplicate("right");
  const joined = left
    .keyBy((line) => line)
    .connect(right.keyBy((line) => line))
    .join("both", {}, (one, other) => one + other);
  const { graph } = joined.output();
  expect(verticesFedByLog(graph)).toEqual(["left", "right"]);
  expect(verticesFedBy(graph, "left")).toEqual(["both"]);
  expect(verticesFeeding(graph, "both")).toEqual(["left", "right"]);
  expect(verticesFeeding(graph, "left")).toEqual([]);
});

it("[rule 39a] refuses, when the job is built, an operator that counts updates", () => {
  const graph = countOfCounts();
  const [counts, after] = graph.vertices as [KeyedVertex, KeyedVertex];
  const definition = countOperator("counts-of-counts");
  const counting: KeyedVertex = { ...after, operator: { kind: "operator", definition } };
  expect(() => checkEdges({ ...graph, vertices: [counts, counting] })).toThrow(
    /"counts-of-counts" of job "counts" follows "counts", whose results change/,
  );
  expect(() => checkEdges(graph)).not.toThrow();
});

it("refuses an operator that takes results out where nothing says how they change", () => {
  const graph = countOfCounts();
  const after = graph.vertices[1]!;
  const edge = { kind: "edge", vertex: after.uid, input: 0, partitioning: "hash" } as const;
  const source = { ...graph.source, ends: [...graph.source.ends, edge] };
  expect(() => checkEdges({ ...graph, source })).toThrow(/takes results in and out again/);
});

it("refuses edges that lead backwards or nowhere", () => {
  const graph = countOfCounts();
  expect(() => checkEdges({ ...graph, vertices: graph.vertices.toReversed() })).toThrow(
    /records would run in a circle/,
  );
  expect(() => checkEdges({ ...graph, vertices: graph.vertices.slice(0, 1) })).toThrow(
    /leads to "counts-of-counts", which it has not/,
  );
});

/** Results of some keys over time, as batches of updates: any cut into batches telescopes. */
const histories = fc.array(
  fc.record({ key: fc.constantFrom("a", "b", "c", "d"), value: fc.integer({ min: 1, max: 4 }) }),
  { maxLength: 30 },
);

it("[rule 39a] arrives at the same count of counts however updates are batched", async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.array(fc.boolean()), async (history, ends) => {
      const harness = openHarness(retractingCountOperator<number, number>("groups"), {
        keys: [(change: Change<number>) => change.value],
        keyType: "integer",
      });
      const passed = new Map<string, number>();
      let batch = new Map<string, number>();
      for (const [index, { key, value }] of history.entries()) {
        batch.set(key, value);
        if (ends[index] !== true && index + 1 < history.length) continue;
        for (const [changed, newest] of batch) {
          const update = { key: changed, old: passed.get(changed), value: newest };
          for (const change of changesOf(update)) await harness.process(change as Change<number>);
          passed.set(changed, newest);
        }
        batch = new Map();
      }
      const groups = new Map<number, number>();
      for (const value of passed.values()) groups.set(value, (groups.get(value) ?? 0) + 1);
      const results = [...harness.newest()].filter(([, members]) => members !== undefined);
      expect(new Map(results)).toEqual(groups);
      expect(harness.stateEntries).toBe(groups.size);
    }),
  );
});

it("sums whole numbers only, because others do not cancel out", async () => {
  const operator = retractingSumOperator<number, string>("sum", (value) => value);
  const harness = openHarness(operator, { keys: [() => "all"] });
  const change = { isTakenOut: false, key: "a", value: 0.1 };
  await expect(harness.process(change)).rejects.toThrow(/only whole numbers within 2\^53/);
});

it("says that a group is gone when its last member is taken out", async () => {
  const harness = openHarness(retractingCountOperator<number, number>("groups"), {
    keys: [(change: Change<number>) => change.value],
    keyType: "integer",
  });
  await harness.process({ isTakenOut: false, key: "a", value: 3 });
  await harness.process({ isTakenOut: true, key: "a", value: 3 });
  expect(harness.values().at(-1)).toEqual({ key: 3, old: 1, value: undefined });
});
