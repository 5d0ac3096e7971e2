/**
 * Records on their way: the stateless operators, and the ways into keyed state and out of the job.
 * Names and meaning are Flink's DataStream; types flow from operator to operator.
 *
 * Every function must be pure, because a record may be run again, and must answer at once: a promise
 * is refused when the record is run.
 */
import type { KeyType } from "../state-engine/state/key-codec.ts";
import { collectOperator } from "./collect-operator.ts";
import { BuiltJob, type BuiltStream } from "./built-job.ts";
import type { ChainContext, Transform } from "./job-graph.ts";
import { sideOf, type JobSketch, type SketchNode, type SketchVertex } from "./job-sketch.ts";
import { KeyedStream } from "./keyed-stream.ts";
import type { OutputTag } from "./operators/output-tag.ts";
import type { SinkDefinition } from "./sinks/sink-definition.ts";
import type { WatermarkStrategy } from "./time/watermark-strategy.ts";

export class Stream<T> {
  /** For other streams of the same job. */
  readonly sketch: JobSketch;
  readonly node: SketchNode;
  readonly #producer: Pick<SketchVertex, "sides"> | undefined;
  /** Types only. */
  declare readonly types?: { readonly record: T };

  constructor(sketch: JobSketch, node: SketchNode, producer?: Pick<SketchVertex, "sides">) {
    this.sketch = sketch;
    this.node = node;
    this.#producer = producer;
  }

  /** One record out for each record in. */
  map<R>(apply: (record: T) => R): Stream<R> {
    return this.#with<R>({ kind: "map", apply: apply as (record: unknown) => unknown });
  }

  /** Keeps the records for which `apply` is true. */
  filter<S extends T>(apply: (record: T) => record is S): Stream<S>;
  filter(apply: (record: T) => boolean): Stream<T>;
  filter(apply: (record: T) => boolean): Stream<T> {
    return this.#with<T>({ kind: "filter", apply: apply as (record: unknown) => boolean });
  }

  /** Any number of records out for each record in, in the order of the iterable. Arrays are fastest. */
  flatMap<R>(apply: (record: T) => Iterable<R>): Stream<R> {
    return this.#with<R>({
      kind: "flatMap",
      apply: apply as (record: unknown) => Iterable<unknown>,
    });
  }

  /** flatMap with a context: event time, place in the log, side outputs. No state: that comes after keyBy. */
  process<R = never>(apply: (record: T, context: ChainContext) => Iterable<R> | void): Stream<R> {
    return this.#with<R>({
      kind: "process",
      apply: apply as (record: unknown, context: ChainContext) => Iterable<unknown> | void,
    });
  }

  /** What the operator before sent to the side output `tag`. */
  sideOutput<R>(tag: OutputTag<R>): Stream<R> {
    if (this.#producer === undefined) {
      throw new TypeError(
        `Side output "${tag.name}" in job "${this.sketch.name}" is asked of a stream that has none. ` +
          `Call sideOutput right after process(), a window or another operator that fills it.`,
      );
    }
    return new Stream<R>(this.sketch, sideOf(this.#producer, tag.name, this.node.after));
  }

  /** This stream and the others as one. Records keep the order of the log. */
  union(...others: readonly Stream<T>[]): Stream<T> {
    const next: SketchNode = { after: this.node.after, consumers: [] };
    for (const stream of [this, ...others]) {
      if (stream.sketch !== this.sketch || stream.node.after !== next.after) {
        throw new TypeError(
          `union in job "${this.sketch.name}" joins streams of one job and one stage: between the ` +
            `lines and keyBy, or after the same keyed operator.`,
        );
      }
      stream.node.consumers.push({ kind: "union", next });
    }
    return new Stream<T>(this.sketch, next);
  }

  /**
   * Gives records their event time, and the source its watermarks: see `watermarks`. Before keyBy. With
   * several in one job, event time is the least that any of them has reached.
   */
  assignTimestampsAndWatermarks(strategy: WatermarkStrategy<T>): Stream<T> {
    if (this.node.after !== undefined) {
      throw new TypeError(
        `Job "${this.sketch.name}" assigns timestamps after the keyed operator "${this.node.after}", ` +
          `whose results have theirs already. Assign them before keyBy.`,
      );
    }
    const erased = strategy as WatermarkStrategy<unknown>;
    const generator = this.sketch.addWatermarks(erased);
    return this.#with<T>({ kind: "assignTimestamps", generator });
  }

  /**
   * Groups the records by a key. Keys are strings, or integers within ±2^53 with `"integer"` as the
   * second argument: types are gone when the job runs, and the two are stored differently. At most
   * 1 MiB as UTF-8.
   */
  keyBy(key: (record: T) => string): KeyedStream<T, string>;
  keyBy(key: (record: T) => number, keyType: "integer"): KeyedStream<T, number>;
  keyBy(key: (record: T) => unknown, keyType: KeyType = "string"): KeyedStream<T, never> {
    return new KeyedStream<T, never>({
      sketch: this.sketch,
      node: this.node,
      key: key as (record: unknown) => unknown,
      keyType,
      open: (node, producer) => new Stream(this.sketch, node, producer),
    });
  }

  /**
   * Makes the records results of the job, readable once a checkpoint has committed them: values of
   * JSON. `name` tells several outputs of a job apart.
   */
  output(name = "output"): BuiltStream {
    return this.#end(name);
  }

  /**
   * Makes the records results of the job, as output does, and delivers them to `sink` once a checkpoint
   * has committed them: see r2Files, queue, webhook and weirJob. The sink's name tells it apart from
   * other outputs; what it has delivered is matched by that name across deploys.
   */
  sinkTo(sink: SinkDefinition): BuiltStream {
    return this.#end(sink.name, sink);
  }

  #end(name: string, definition?: SinkDefinition): BuiltStream {
    let { node } = this;
    if (node.after === undefined) {
      const key = () => "";
      const collect = { uid: name, key, keyType: "string", definition: collectOperator() } as const;
      const vertex = this.sketch.addVertex(collect);
      const edge = { kind: "edge", vertex: name, input: 0, partitioning: "spread" } as const;
      node.consumers.push(edge);
      node = vertex.results;
    }
    this.sketch.addSink(node, name, definition);
    return new BuiltJob(this.sketch);
  }

  /** Only what was written as an async function can be seen now; any other promise is refused when it is answered. */
  #refuseAsync({ kind, apply }: Exclude<Transform, { kind: "assignTimestamps" }>): void {
    if (Object.prototype.toString.call(apply) !== "[object AsyncFunction]") return;
    throw new TypeError(
      `${kind} in job "${this.sketch.name}" was given an async function. A line must give the same ` +
        `records whenever it is run, at once. Put what is asynchronous after keyBy: ` +
        `.keyBy(…).mapAsync("enriched", async (record) => …).`,
    );
  }

  #with<R>(transform: Transform): Stream<R> {
    if (transform.kind !== "assignTimestamps") this.#refuseAsync(transform);
    const added = this.sketch.addTransform(this.node, transform);
    return new Stream<R>(this.sketch, added.next, added);
  }
}
