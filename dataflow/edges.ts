/**
 * Which vertices of a job feed which, and whether they may: plain questions about a graph. Channels,
 * alignment and the region that rolls back together follow from the answers.
 */
import { edgesIn } from "./consumers.ts";
import type { Consumer, JobGraph, KeyedVertex } from "./job-graph.ts";

/** Uids of the keyed vertices the log feeds directly, in the job's order. */
export function verticesFedByLog(job: Pick<JobGraph, "source" | "vertices">): readonly string[] {
  return inOrder(job.vertices, edgesIn(job.source.ends));
}

/** Uids of the keyed vertices that `uid` feeds, in the job's order. */
export function verticesFedBy(job: Pick<JobGraph, "vertices">, uid: string): readonly string[] {
  const vertex = job.vertices.find((one) => one.uid === uid);
  return vertex === undefined ? [] : inOrder(job.vertices, edgesIn(consumersOf(vertex)));
}

/** Uids of the keyed vertices that feed `uid`, in the job's order. */
export function verticesFeeding(job: Pick<JobGraph, "vertices">, uid: string): readonly string[] {
  return job.vertices.filter((one) => verticesFedBy(job, one.uid).includes(uid)).map(nameOf);
}

/**
 * Throws when an edge leads nowhere or backwards, or when the updates of an operator reach one that
 * cannot take a result back out again: what it would make of them depends on how records were batched
 * [39].
 */
export function checkEdges(job: Pick<JobGraph, "name" | "source" | "vertices">): void {
  const before = new Set<string>();
  for (const vertex of job.vertices) {
    for (const fed of new Set(edgesIn(consumersOf(vertex)).map((edge) => edge.vertex))) {
      if (fed !== vertex.uid && !before.has(fed)) continue;
      throw new RangeError(
        `"${vertex.uid}" of job "${job.name}" feeds "${fed}", which comes before it: records would ` +
          `run in a circle. Give the second operator a name and input of its own.`,
      );
    }
    before.add(vertex.uid);
  }
  for (const uid of edgesIn([...job.source.ends, ...job.vertices.flatMap(consumersOf)])) {
    if (before.has(uid.vertex)) continue;
    throw new RangeError(
      `An edge of job "${job.name}" leads to "${uid.vertex}", which it has not.`,
    );
  }
  for (const vertex of job.vertices) checkUpdates(job, vertex);
}

function checkUpdates(
  job: Pick<JobGraph, "name" | "source" | "vertices">,
  vertex: KeyedVertex,
): void {
  const takesChanges = vertex.operator.kind === "operator" && vertex.operator.definition.retracts;
  const feeders = job.vertices.filter((one) => feeds(one.results, vertex.uid));
  const wrong = feeders.find((feeder) => hasUpdates(feeder) !== (takesChanges === true));
  const isFedOtherwise =
    feeds(job.source.ends, vertex.uid) ||
    job.vertices.some((one) => Object.values(one.sides).some((side) => feeds(side, vertex.uid)));
  if (takesChanges === true && (isFedOtherwise || wrong !== undefined)) {
    throw new RangeError(
      `"${vertex.uid}" of job "${job.name}" takes results in and out again, so it follows only ` +
        `operators that say how their results change. Use the operator of keyBy on a plain stream.`,
    );
  }
  if (wrong !== undefined) {
    throw new RangeError(
      `"${vertex.uid}" of job "${job.name}" follows "${wrong.uid}", whose results change: how often ` +
        `depends on how records were batched. Only operators that take an old result out again may ` +
        `follow it: call keyBy on the updating stream, or end with output().`,
    );
  }
}

function hasUpdates({ operator }: KeyedVertex): boolean {
  return operator.kind === "count" || operator.definition.output === "updates";
}

function feeds(consumers: readonly Consumer[], uid: string): boolean {
  return edgesIn(consumers).some((edge) => edge.vertex === uid);
}

function consumersOf({ results, sides }: KeyedVertex): readonly Consumer[] {
  return [...results, ...Object.values(sides).flat()];
}

function inOrder(
  vertices: readonly KeyedVertex[],
  edges: readonly { readonly vertex: string }[],
): readonly string[] {
  const fed = new Set(edges.map(({ vertex }) => vertex));
  return vertices.map(nameOf).filter((uid) => fed.has(uid));
}

function nameOf({ uid }: KeyedVertex): string {
  return uid;
}
