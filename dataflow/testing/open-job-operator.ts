/**
 * Opens the harness on an operator of a job as it was written: a window, a join, topN, reduce, aggregate,
 * process, whatever has a uid. Keys are selected as the job does, so a test repeats nothing of it.
 *
 *     const windows = openJobOperator(views, "views-per-minute");
 *     await windows.process({ page: "/", at: 1_000 }, 1_000);
 *     await windows.processWatermark(60_000);
 *
 * Records go straight to the operator and its results straight out: stateless operators before and behind
 * it are not run. Types of records are not known of a job that is built; say them if they help:
 * `openJobOperator<[View], number>(…)`.
 */
import type { BuiltStream } from "../built-job.ts";
import { edgesIn } from "../consumers.ts";
import type { Edge, JobGraph, KeyedVertex } from "../job-graph.ts";
import type { Key, KeyedOperator } from "../operators/keyed-operator.ts";
import { countOperator } from "../operators/updating-operators.ts";
import { OperatorHarness, type HarnessOptions, type KeySelectors } from "./operator-harness.ts";

/** Throws RangeError when the job has no operator of that uid. */
export function openJobOperator<
  In extends readonly unknown[] = readonly unknown[],
  Out = unknown,
  K extends Key = Key,
>(
  stream: BuiltStream,
  uid: string,
  options: Omit<HarnessOptions<In, K>, "keys" | "keyType"> = {},
): OperatorHarness<In, K, Out> {
  const { graph } = stream;
  const vertex = graph.vertices.find((one) => one.uid === uid);
  if (vertex === undefined) {
    const present = graph.vertices.map((one) => `"${one.uid}"`).join(", ");
    throw new RangeError(
      `Job "${graph.name}" has no operator "${uid}". Open one of these: ${present}.`,
    );
  }
  const operator = definitionOf(vertex) as KeyedOperator<In, K, Out>;
  const keys = selectorsOf(graph, uid, operator.inputs) as KeySelectors<In, K>;
  return new OperatorHarness(operator, { ...options, keys, keyType: vertex.keyType });
}

function definitionOf({ operator, uid }: KeyedVertex): unknown {
  return operator.kind === "count" ? countOperator(uid) : operator.definition;
}

function selectorsOf(
  { source, vertices }: JobGraph,
  uid: string,
  inputs: number,
): readonly (((record: unknown) => unknown) | undefined)[] {
  const ends = vertices.flatMap(({ results, sides }) => [results, ...Object.values(sides)].flat());
  const edges = edgesIn([...source.ends, ...ends]).filter((edge) => edge.vertex === uid);
  return Array.from({ length: inputs }, (_, input) =>
    selectorOf(edges.find((edge) => edge.input === input)!),
  );
}

/** Undefined for a broadcast input. */
function selectorOf({ key, partitioning }: Edge): ((record: unknown) => unknown) | undefined {
  return partitioning === "spread" ? () => "" : key;
}
