/** Windows of a keyed stream, and what may be done with their records. Results carry the window's last moment. */
import { addNumber, checkExtreme, isBelow } from "./checked-answer.ts";
import type { KeyedOperator, Key } from "./operators/keyed-operator.ts";
import type { Comparable } from "./operators/updating-operators.ts";
import { int64Codec } from "./codecs/plain-codecs.ts";
import type { AggregateFunction } from "./state/state-descriptor.ts";
import type { Stream } from "./stream.ts";
import type { WindowContext, Windowing } from "./windows/window-definition.ts";
import {
  countWindowProcessOperator,
  foldFromFirst,
  windowAggregateProcessOperator,
  windowProcessOperator,
  windowReduceOperator,
  type CountWindow,
  type WindowCodec,
} from "./windows/window-operators.ts";

/** What windows are opened on. */
interface Keyed<T, K extends Key> {
  apply<Out>(uid: string, operator: KeyedOperator<[T], K, Out>): Stream<Out>;
}

/** Shows a window's result with its key and time. By default the result alone is emitted. */
export type ShowResult<Result, K, Out> = (
  result: Result,
  context: WindowContext<K>,
) => Iterable<Out>;

export class WindowedStream<T, K extends Key> {
  readonly #keyed: Keyed<T, K>;
  readonly #windowing: Windowing<T>;
  /** Types only. */
  declare readonly types?: { readonly record: T; readonly key: K };

  constructor(keyed: Keyed<T, K>, windowing: Windowing<T>) {
    this.#keyed = keyed;
    this.#windowing = windowing;
  }

  /** Folds the records of each window into one of their kind. */
  reduce(
    uid: string,
    reduce: (a: T, b: T) => T,
    options: WindowCodec<T | undefined> = {},
  ): Stream<T> {
    const windowing = { ...this.#windowing, ...options };
    return this.#keyed.apply(uid, windowReduceOperator<T, K>(uid, windowing, reduce));
  }

  /** One accumulator per window; `show` meets its result with key and window. */
  aggregate<Accumulator, Result, Out = Result>(
    uid: string,
    aggregate: AggregateFunction<T, Accumulator, Result>,
    show?: ShowResult<Result, K, Out>,
    options: WindowCodec<Accumulator> = {},
  ): Stream<Out> {
    const windowing = { ...this.#windowing, ...options };
    const shown = show ?? ((result: Result) => [result as unknown as Out]);
    return this.#keyed.apply(
      uid,
      windowAggregateProcessOperator<T, Accumulator, Result, Out, K>(
        uid,
        windowing,
        aggregate,
        shown,
      ),
    );
  }

  /** How many records each window had. */
  count<Out = number>(uid: string, show?: ShowResult<number, K, Out>): Stream<Out> {
    return this.aggregate(
      uid,
      addition<T>(uid, () => 1),
      show,
      { codec: int64Codec },
    );
  }

  /** The sum of finite numbers over each window. */
  sum<Out = number>(
    uid: string,
    select: (record: T) => number,
    show?: ShowResult<number, K, Out>,
  ): Stream<Out> {
    return this.aggregate(uid, addition(uid, select), show);
  }

  /** The smallest selected value of each window. Of numbers finite ones: another fails its record. */
  min<V extends Comparable, Out = V>(
    uid: string,
    select: (record: T) => V,
    show?: ShowResult<V, K, Out>,
  ): Stream<Out> {
    const who = `The function of window min "${uid}"`;
    return this.aggregate(
      uid,
      foldFromFirst(
        (record: T) => checkExtreme(select(record), who),
        (a, b) => (isBelow(b, a, who) ? b : a),
      ),
      show,
    );
  }

  /** The largest selected value of each window. Of numbers finite ones: another fails its record. */
  max<V extends Comparable, Out = V>(
    uid: string,
    select: (record: T) => V,
    show?: ShowResult<V, K, Out>,
  ): Stream<Out> {
    const who = `The function of window max "${uid}"`;
    return this.aggregate(
      uid,
      foldFromFirst(
        (record: T) => checkExtreme(select(record), who),
        (a, b) => (isBelow(a, b, who) ? b : a),
      ),
      show,
    );
  }

  /** The record with the smallest selected value of each window; of equal ones the first. */
  minBy(uid: string, select: (record: T) => Comparable): Stream<T> {
    const who = `The function of window minBy "${uid}"`;
    return this.reduce(uid, (a, b) => (isBelow(select(b), select(a), who) ? b : a));
  }

  /** The record with the largest selected value of each window; of equal ones the first. */
  maxBy(uid: string, select: (record: T) => Comparable): Stream<T> {
    const who = `The function of window maxBy "${uid}"`;
    return this.reduce(uid, (a, b) => (isBelow(select(a), select(b), who) ? b : a));
  }

  /** Sees all records of a window at once. */
  process<Out = never>(
    uid: string,
    process: (records: readonly T[], context: WindowContext<K>) => Iterable<Out>,
    options: WindowCodec<T> = {},
  ): Stream<Out> {
    const windowing = { ...this.#windowing, ...options };
    return this.#keyed.apply(uid, windowProcessOperator<T, Out, K>(uid, windowing, process));
  }
}

export class CountWindowedStream<T, K extends Key> {
  readonly #keyed: Keyed<T, K>;
  readonly #window: CountWindow<T>;
  /** Types only. */
  declare readonly types?: { readonly record: T; readonly key: K };

  constructor(keyed: Keyed<T, K>, window: CountWindow<T>) {
    this.#keyed = keyed;
    this.#window = window;
  }

  /** Sees the records of a window at once, in the order they came. */
  process<Out = never>(
    uid: string,
    process: (records: readonly T[], context: WindowContext<K>) => Iterable<Out>,
    options: WindowCodec<T> = {},
  ): Stream<Out> {
    const window = { ...this.#window, ...options };
    return this.#keyed.apply(uid, countWindowProcessOperator<T, Out, K>(uid, window, process));
  }
}

function addition<T>(
  uid: string,
  select: (record: T) => number,
): AggregateFunction<T, number, number> {
  const who = `The function of window sum "${uid}"`;
  return {
    createAccumulator: () => 0,
    add: (accumulator, record) => addNumber(accumulator, select(record), who),
    getResult: (accumulator) => accumulator,
    merge: (a, b) => addNumber(a, b, who),
  };
}
