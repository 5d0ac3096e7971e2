/**
 * A job while it is being written: every operator called on a stream leaves its mark here, and
 * `graph()` makes plain, immutable data of it. What leads to no vertex and no output is left out, as
 * in Flink.
 */
import type {
  Consumer,
  Edge,
  JobGraph,
  JobOptions,
  KeyedVertex,
  OperatorDefinition,
  Sink,
  Transform,
  VertexOperator,
} from "./job-graph.ts";
import { checkEdges } from "./edges.ts";
import type { Feed } from "./feeds/feed.ts";
import { countOperator } from "./operators/updating-operators.ts";
import type { KeyType } from "../state-engine/state/key-codec.ts";
import type { SinkDefinition, WeirJobDefinition } from "./sinks/sink-definition.ts";
import { checkStateNames } from "./state-ids.ts";
import type { WatermarkStrategy } from "./time/watermark-strategy.ts";

/** A place records flow through. */
export interface SketchNode {
  /** The keyed vertex whose results these are; undefined between the log and the first keyBy. */
  readonly after: string | undefined;
  readonly consumers: SketchConsumer[];
}

export type SketchConsumer =
  | {
      readonly kind: "transform";
      readonly transform: Transform;
      readonly next: SketchNode;
      readonly sides: Map<string, SketchNode>;
    }
  /** The same place under another name: a union. */
  | { readonly kind: "union"; readonly next: SketchNode }
  | Edge
  | Sink;

export interface SketchVertex {
  readonly uid: string;
  readonly keyType: KeyType;
  readonly key: (record: unknown) => unknown;
  /** Absent: a plain count. */
  readonly definition: OperatorDefinition | undefined;
  readonly results: SketchNode;
  readonly sides: Map<string, SketchNode>;
}

export class JobSketch {
  readonly name: string;
  readonly options: JobOptions;
  readonly lines: SketchNode = { after: undefined, consumers: [] };
  readonly #vertices: SketchVertex[] = [];
  readonly #sinks = new Set<string>();
  readonly #watermarks: WatermarkStrategy<unknown>[] = [];
  readonly #feeds: Feed[] = [];

  constructor(name: string, options: JobOptions) {
    this.name = name;
    this.options = options;
    if (options.deadLetter !== null) this.#sinks.add(options.deadLetter.output);
  }

  addTransform(from: SketchNode, transform: Transform): SketchConsumer & { kind: "transform" } {
    const next: SketchNode = { after: from.after, consumers: [] };
    const consumer = { kind: "transform", transform, next, sides: new Map() } as const;
    from.consumers.push(consumer);
    return consumer;
  }

  addFeed(feed: Feed): void {
    if (this.#feeds.some(({ name }) => name === feed.name)) {
      throw new RangeError(
        `Job "${this.name}" has two feeds named "${feed.name}". Give each one a "name" of its own.`,
      );
    }
    this.#feeds.push(feed);
  }

  /** Answers the generator's index. */
  addWatermarks(strategy: WatermarkStrategy<unknown>): number {
    return this.#watermarks.push(strategy) - 1;
  }

  addVertex(vertex: Omit<SketchVertex, "results" | "sides">): SketchVertex {
    const { uid } = vertex;
    if (this.#vertices.some((one) => one.uid === uid)) {
      throw new RangeError(
        `Job "${this.name}" uses the name "${uid}" for two stateful operators: state is matched by ` +
          `it across deploys. Give each one a name of its own.`,
      );
    }
    const results: SketchNode = { after: uid, consumers: [] };
    const added = { ...vertex, results, sides: new Map<string, SketchNode>() };
    this.#vertices.push(added);
    return added;
  }

  /** `definition`: where results go besides the feed of the output `name`. */
  addSink(from: SketchNode, name: string, definition?: SinkDefinition): void {
    if (this.#sinks.has(name)) {
      throw new RangeError(
        `Job "${this.name}" has two outputs named "${name}", the one of option deadLetter included. ` +
          `Give each one a name of its own, such as output("${name}-2").`,
      );
    }
    this.#sinks.add(name);
    if (definition?.kind === "weirJob") this.#checkFeeds(definition);
    from.consumers.push({ kind: "sink", name, ...(definition !== undefined && { definition }) });
  }

  #checkFeeds({ name, target }: WeirJobDefinition): void {
    if (target.job !== this.name || target.url !== undefined) return;
    throw new RangeError(
      `Sink "${name}" of job "${this.name}" feeds the job itself: once its log is full neither could ` +
        `go on. Feed another job.`,
    );
  }

  graph(): JobGraph {
    const freezer = new Freezer();
    const ends = freezer.freeze(this.lines);
    const { chain, rest } = splitChain(ends);
    const vertices = this.#vertices.map((vertex) => freezer.vertex(vertex));
    checkStateNames(this.name, vertices);
    const feeds = this.#feeds;
    const source = {
      chain,
      ends: rest,
      watermarks: this.#watermarks,
      ...(feeds.length > 0 && { feeds }),
    };
    checkEdges({ name: this.name, source, vertices });
    return { name: this.name, options: this.options, source, vertices };
  }
}

/** The side output's place, made when somebody first listens. */
export function sideOf(from: Pick<SketchVertex, "sides">, tag: string, after?: string): SketchNode {
  const present = from.sides.get(tag);
  if (present !== undefined) return present;
  const created: SketchNode = { after, consumers: [] };
  from.sides.set(tag, created);
  return created;
}

/** Makes one Consumer of each sketched one, however many ways lead to it. */
class Freezer {
  readonly #frozen = new Map<SketchNode, readonly Consumer[]>();

  freeze(node: SketchNode): readonly Consumer[] {
    const known = this.#frozen.get(node);
    if (known !== undefined) return known;
    const frozen = node.consumers.flatMap((consumer) => this.#consumer(consumer));
    this.#frozen.set(node, frozen);
    return frozen;
  }

  vertex({ uid, key, keyType, definition, results, sides }: SketchVertex): KeyedVertex {
    const followers = this.freeze(results);
    return {
      uid,
      key,
      keyType,
      operator: operatorOf(uid, definition, followers.length > 0),
      results: followers,
      sides: this.#sides(sides),
    };
  }

  #consumer(consumer: SketchConsumer): readonly Consumer[] {
    if (consumer.kind === "union") return this.freeze(consumer.next);
    if (consumer.kind !== "transform") return [consumer];
    const next = this.freeze(consumer.next);
    const sides = this.#sides(consumer.sides);
    if (next.length === 0 && Object.keys(sides).length === 0) return [];
    return [{ kind: "transform", transform: consumer.transform, next, sides }];
  }

  #sides(sides: ReadonlyMap<string, SketchNode>): Record<string, readonly Consumer[]> {
    const listened = [...sides]
      .map(([tag, node]) => [tag, this.freeze(node)] as const)
      .filter(([, consumers]) => consumers.length > 0);
    return Object.fromEntries(listened);
  }
}

function operatorOf(
  uid: string,
  definition: OperatorDefinition | undefined,
  isFollowed: boolean,
): VertexOperator {
  if (definition !== undefined) return { kind: "operator", definition };
  return isFollowed
    ? { kind: "operator", definition: countOperator(uid) }
    : { kind: "count", state: uid };
}

/** The operators at the beginning that form one line, and what comes after them. */
function splitChain(ends: readonly Consumer[]): {
  readonly chain: readonly Transform[];
  readonly rest: readonly Consumer[];
} {
  const chain: Transform[] = [];
  let rest = ends;
  for (;;) {
    const [only, ...others] = rest;
    if (only?.kind !== "transform" || others.length > 0 || !isPlain(only.transform)) break;
    chain.push(only.transform);
    rest = only.next;
  }
  return { chain, rest };
}

function isPlain({ kind }: Transform): boolean {
  return kind === "map" || kind === "filter" || kind === "flatMap";
}
