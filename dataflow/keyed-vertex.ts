/** Adds a keyed vertex to a job that is being written: its uid is checked, its input becomes an edge. */
import type { KeyType } from "../state-engine/state/key-codec.ts";
import type { JobSketch, SketchNode, SketchVertex } from "./job-sketch.ts";
import type { OperatorDefinition } from "./job-graph.ts";
import type { Stream } from "./stream.ts";

/** Where a keyed vertex is added, and how records find it. Types are forgotten. */
export interface KeyedPlace {
  readonly sketch: JobSketch;
  readonly node: SketchNode;
  readonly key: (record: unknown) => unknown;
  readonly keyType: KeyType;
}

/** A stream with a key. */
export interface KeyedHead extends KeyedPlace {
  /** Makes a stream of a place; given here because streams know keyed streams, not the other way round. */
  readonly open: (node: SketchNode, producer?: Pick<SketchVertex, "sides">) => Stream<unknown>;
}

export function addKeyedVertex(
  { sketch, node, key, keyType }: KeyedPlace,
  uid: string,
  kind: string,
  definition: OperatorDefinition | undefined,
): SketchVertex {
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(uid)) {
    throw new RangeError(
      `"${uid}" cannot name the state of a ${kind} in job "${sketch.name}": ` +
        `state is matched by this name across deploys. ` +
        `Write 1 to 64 of A-Z, a-z, 0-9, "_" and "-", beginning with a letter, such as "counts".`,
    );
  }
  const vertex = sketch.addVertex({ uid, key, keyType, definition });
  node.consumers.push({ kind: "edge", vertex: uid, input: 0, partitioning: "hash", key });
  return vertex;
}
