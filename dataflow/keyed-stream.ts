/**
 * Records that meet the state of their key. The first string of each operator is its uid: 1 to 64 of
 * `A-Za-z0-9_-`, beginning with a letter; state is matched by it across deploys.
 */
import { ConnectedStreams } from "./connected-streams.ts";
import { addKeyedVertex, type KeyedHead } from "./keyed-vertex.ts";
import { asyncOperator, type AsyncOptions } from "./operators/async-operator.ts";
import { deduplicateOperator } from "./operators/deduplicate-operator.ts";
import type { AsyncContext, Key, KeyedOperator, Update } from "./operators/keyed-operator.ts";
import { processOperator, type ProcessFunction } from "./operators/process-operator.ts";
import { topNOperator, type TopNOptions } from "./operators/top-n-operator.ts";
import {
  aggregateOperator,
  countOperator,
  maxByOperator,
  maxOperator,
  minByOperator,
  minOperator,
  reduceOperator,
  sumOperator,
  type Comparable,
  type UpdatingOptions,
} from "./operators/updating-operators.ts";
import type { NoStates, StateDescriptors } from "./operators/user-function.ts";
import type { AggregateFunction, StateOptions } from "./state/state-descriptor.ts";
import type { Stream } from "./stream.ts";
import { UpdatingStream } from "./updating-stream.ts";
import type { WindowAssigner } from "./windows/assigners.ts";
import type { Windowing } from "./windows/window-definition.ts";
import { CountWindowedStream, WindowedStream } from "./windowed-stream.ts";

export class KeyedStream<T, K extends Key> {
  readonly head: KeyedHead;
  /** Types only. */
  declare readonly types?: { readonly record: T; readonly key: K };

  constructor(head: KeyedHead) {
    this.head = head;
  }

  /** Counts the records of each key. While nothing follows, counting reads no state and combines records before they travel. */
  count(uid: string, options: StateOptions = {}): UpdatingStream<K, number> {
    if (options.ttl !== undefined) return this.#updating(uid, countOperator<T, K>(uid, options));
    const { sketch } = this.head;
    return new UpdatingStream(sketch, addKeyedVertex(this.head, uid, "count", undefined).results);
  }

  /** Folds the records of each key into one of their kind, from the first. */
  reduce(
    uid: string,
    reduce: (a: T, b: T) => T,
    options: UpdatingOptions<T> = {},
  ): UpdatingStream<K, T> {
    return this.#updating(uid, reduceOperator<T, K>(uid, reduce, options));
  }

  /** The sum of numbers. Of whole numbers it is exact up to 2^53. */
  sum(
    uid: string,
    select: (record: T) => number,
    options: UpdatingOptions<number> = {},
  ): UpdatingStream<K, number> {
    return this.#updating(uid, sumOperator<T, K>(uid, select, options));
  }

  /** The smallest of the selected values. */
  min<V extends Comparable>(
    uid: string,
    select: (record: T) => V,
    options: UpdatingOptions<V> = {},
  ): UpdatingStream<K, V> {
    return this.#updating(uid, minOperator<T, V, K>(uid, select, options));
  }

  /** The largest of the selected values. */
  max<V extends Comparable>(
    uid: string,
    select: (record: T) => V,
    options: UpdatingOptions<V> = {},
  ): UpdatingStream<K, V> {
    return this.#updating(uid, maxOperator<T, V, K>(uid, select, options));
  }

  /** The record with the smallest selected value; of equal ones the first. */
  minBy(
    uid: string,
    select: (record: T) => Comparable,
    options: UpdatingOptions<T> = {},
  ): UpdatingStream<K, T> {
    return this.#updating(uid, minByOperator<T, K>(uid, select, options));
  }

  /** The record with the largest selected value; of equal ones the first. */
  maxBy(
    uid: string,
    select: (record: T) => Comparable,
    options: UpdatingOptions<T> = {},
  ): UpdatingStream<K, T> {
    return this.#updating(uid, maxByOperator<T, K>(uid, select, options));
  }

  /** Any fold, with an accumulator that need not look like the result. */
  aggregate<Accumulator, R>(
    uid: string,
    aggregate: AggregateFunction<T, Accumulator, R>,
    options: UpdatingOptions<Accumulator> = {},
  ): UpdatingStream<K, R> {
    return this.#updating(uid, aggregateOperator<T, Accumulator, R, K>(uid, aggregate, options));
  }

  /** The `n` best records of each key, best first. */
  topN(uid: string, options: TopNOptions<T>): UpdatingStream<K, readonly T[]> {
    return this.#updating(uid, topNOperator<T, K>(uid, options));
  }

  /** State, timers and side outputs: everything else can be written with it. */
  process<Out = never, S extends StateDescriptors = NoStates>(
    uid: string,
    definition: ProcessFunction<T, K, Out, S>,
  ): Stream<Out> {
    return this.apply(uid, processOperator<T, Out, S, K>(definition));
  }

  /**
   * Enriches records by a function that may call the outside: `fetch`, bindings. Its result takes the
   * record's place, in the order of the key's records, or as they come with `order: "unordered"`.
   * The function may run more than once for a record; its result is emitted once.
   */
  mapAsync<R>(
    uid: string,
    call: (record: T, context: AsyncContext<K>) => Promise<R>,
    options: AsyncOptions<T, R> = {},
  ): Stream<R> {
    const one = async (record: T, context: AsyncContext<K>): Promise<readonly R[]> => [
      await call(record, context),
    ];
    return this.apply(uid, asyncOperator<T, R, K>(uid, one, options));
  }

  /** mapAsync with any number of results for a record. */
  flatMapAsync<R>(
    uid: string,
    call: (record: T, context: AsyncContext<K>) => Promise<readonly R[]>,
    options: AsyncOptions<T, R> = {},
  ): Stream<R> {
    return this.apply(uid, asyncOperator<T, R, K>(uid, call, options));
  }

  /** Lets the first record of each key pass, for as long as the TTL remembers the key. */
  deduplicate(uid: string, options: StateOptions = {}): Stream<T> {
    return this.apply(uid, deduplicateOperator<T, K>(uid, options));
  }

  /** Groups the records of each key by time: tumblingWindows, slidingWindows, sessionWindows, globalWindows. */
  window(
    assigner: WindowAssigner<T>,
    options: Omit<Windowing<T>, "assigner"> = {},
  ): WindowedStream<T, K> {
    return new WindowedStream<T, K>(this, { assigner, ...options });
  }

  /** Groups the records of each key by their number; with `slide`, results over the last `size` every `slide` records. */
  countWindow(size: number, slide?: number): CountWindowedStream<T, K> {
    return new CountWindowedStream<T, K>(this, { size, ...(slide !== undefined && { slide }) });
  }

  /** This stream and another one with the same kind of key, whose records share the state of their key. */
  connect<R>(other: KeyedStream<R, K>): ConnectedStreams<T, R, K> {
    return new ConnectedStreams<T, R, K>(this.head, { kind: "keyed", head: other.head });
  }

  /** This stream and one whose every record goes to all partitions: rules, prices. */
  connectBroadcast<R>(other: Stream<R>): ConnectedStreams<T, R, K> {
    return new ConnectedStreams<T, R, K>(this.head, { kind: "broadcast", stream: other });
  }

  /** Any operator that emits records, also one of your own. */
  apply<Out>(uid: string, operator: KeyedOperator<[T], K, Out>): Stream<Out> {
    const vertex = addKeyedVertex(this.head, uid, operator.kind, operator);
    return this.head.open(vertex.results, vertex) as Stream<Out>;
  }

  #updating<V>(uid: string, operator: KeyedOperator<[T], K, Update<K, V>>): UpdatingStream<K, V> {
    const { results } = addKeyedVertex(this.head, uid, operator.kind, operator);
    return new UpdatingStream<K, V>(this.head.sketch, results);
  }
}
