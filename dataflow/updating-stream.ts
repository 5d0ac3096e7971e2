/**
 * The newest result of each key, and how it changes. An update carries the old value and the new one,
 * once per key and batch, so how often one changes depends on how records were batched [39]: only
 * what retracts or upserts by key may follow, which here is the output.
 */
import { BuiltJob } from "./built-job.ts";
import type { JobSketch, SketchNode } from "./job-sketch.ts";
import type { Update } from "./operators/keyed-operator.ts";

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
    const transform = {
      kind: "map",
      apply: (record: unknown) => {
        const { key, old, value } = record as Update<K, V>;
        return {
          key,
          old: old === undefined ? undefined : apply(old, key),
          value: apply(value, key),
        };
      },
    } as const;
    return new UpdatingStream<K, R>(
      this.sketch,
      this.sketch.addTransform(this.#node, transform).next,
    );
  }

  /** Commits {key, value} for each key that changed, with its last value, once per checkpoint. */
  output(name = "output"): this {
    this.sketch.addSink(this.#node, name);
    return this;
  }
}
