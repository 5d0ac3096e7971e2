/**
 * The newest result of each key, and how it changes. An update carries the old value and the new one,
 * once per key and batch, so how often one changes depends on how records were batched [39]: only
 * what retracts or upserts by key may follow. A result whose value is undefined is gone: null in the output.
 */
import { BuiltJob } from "./built-job.ts";
import type { KeyType } from "../state-engine/state/key-codec.ts";
import { checkAnswer } from "./checked-answer.ts";
import type { JobSketch, SketchNode } from "./job-sketch.ts";
import { KeyedChanges } from "./keyed-changes.ts";
import type { Update } from "./operators/keyed-operator.ts";
import type { SinkDefinition } from "./sinks/sink-definition.ts";
import { changesOf, type Change } from "./operators/retracting-operators.ts";

export class UpdatingStream<K, V> extends BuiltJob {
  readonly #node: SketchNode;
  /** Types only. */
  declare readonly types?: { readonly key: K; readonly value: V };

  constructor(sketch: JobSketch, node: SketchNode) {
    super(sketch);
    this.#node = node;
  }

  /** Another value for each result. `apply` must be pure: the same result always gives the same value. */
  mapValue<R>(apply: (value: V, key: K) => R): UpdatingStream<K, R> {
    // A result that is gone has no value.
    const mapped = (value: V | undefined, key: K): R | undefined =>
      value === undefined ? undefined : checkAnswer(apply(value, key), "The function of mapValue");
    const transform = {
      kind: "map",
      apply: (record: unknown) => {
        const { key, old, value } = record as Update<K, V>;
        return { key, old: mapped(old, key), value: mapped(value, key) };
      },
    } as const;
    return new UpdatingStream<K, R>(
      this.sketch,
      this.sketch.addTransform(this.#node, transform).next,
    );
  }

  /**
   * Groups the results by something of themselves: a count of counts is
   * `.count("counts").keyBy((count) => count, "integer").count("counts-of-counts")`. Keys as in
   * Stream.keyBy.
   */
  keyBy(select: (value: V, key: K) => string): KeyedChanges<V, string>;
  keyBy(select: (value: V, key: K) => number, keyType: "integer"): KeyedChanges<V, number>;
  keyBy(
    select: (value: V, key: K) => unknown,
    keyType: KeyType = "string",
  ): KeyedChanges<V, never> {
    const apply = (record: unknown) => changesOf(record as Update<K, V>);
    const { next } = this.sketch.addTransform(this.#node, { kind: "flatMap", apply });
    const key = (record: unknown): unknown => {
      const change = record as Change<V, K>;
      return select(change.value, change.key);
    };
    return new KeyedChanges<V, never>(
      { sketch: this.sketch, node: next, key, keyType },
      (results) => new UpdatingStream<never, unknown>(this.sketch, results),
    );
  }

  /** Commits {key, value} for each key that changed, with its last value, once per checkpoint. */
  output(name = "output"): this {
    this.sketch.addSink(this.#node, name);
    return this;
  }

  /** As output, and delivers each {key, value} to `sink` once its checkpoint is completed: see Stream.sinkTo. */
  sinkTo(sink: SinkDefinition): this {
    this.sketch.addSink(this.#node, sink.name, sink);
    return this;
  }
}
