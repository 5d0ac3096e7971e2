/**
 * The results of an updating stream, grouped by something of themselves. A result that changes leaves
 * its group and enters another, so only operators that can take it out again are offered [39]. The
 * result of a group that lost its last member is gone: outputs commit it as null, operators do not see it.
 */
import type { SketchNode } from "./job-sketch.ts";
import { addKeyedVertex, type KeyedPlace } from "./keyed-vertex.ts";
import type { Key, KeyedOperator, Update } from "./operators/keyed-operator.ts";
import {
  retractingAggregateOperator,
  retractingCountOperator,
  retractingSumOperator,
  type Change,
  type RetractableAggregate,
} from "./operators/retracting-operators.ts";
import type { UpdatingStream } from "./updating-stream.ts";

export class KeyedChanges<V, K extends Key> {
  readonly #place: KeyedPlace;
  readonly #open: (results: SketchNode) => UpdatingStream<K, unknown>;

  /** `open` makes a stream of a place; given here because updating streams know this class. */
  constructor(place: KeyedPlace, open: (results: SketchNode) => UpdatingStream<K, unknown>) {
    this.#place = place;
    this.#open = open;
  }

  /** How many results each group has. */
  count(uid: string): UpdatingStream<K, number> {
    return this.#add(uid, retractingCountOperator<V, K>(uid));
  }

  /** The sum of a whole number of each result. */
  sum(uid: string, select: (value: V) => number): UpdatingStream<K, number> {
    return this.#add(uid, retractingSumOperator<V, K>(uid, select));
  }

  /** Any fold that can take a result out again. */
  aggregate<Accumulator, R>(
    uid: string,
    aggregate: RetractableAggregate<V, Accumulator, R>,
  ): UpdatingStream<K, R> {
    return this.#add(uid, retractingAggregateOperator<V, Accumulator, R, K>(uid, aggregate));
  }

  #add<R>(
    uid: string,
    operator: KeyedOperator<[Change<V>], K, Update<K, R | undefined>>,
  ): UpdatingStream<K, R> {
    const { results } = addKeyedVertex(this.#place, uid, operator.kind, operator);
    return this.#open(results) as UpdatingStream<K, R>;
  }
}
