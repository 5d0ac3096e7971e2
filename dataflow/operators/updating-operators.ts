/**
 * The operators that keep one result per key and tell how it changes: count, reduce, sum, min, max,
 * minBy, maxBy, aggregate. Their output is an updating stream: {key, old, value}, once per key and
 * batch [39].
 */
import type { Codec } from "../codecs/codec.ts";
import {
  addNumber,
  checkAnswer,
  checkComparable,
  checkExtreme,
  isBelow,
} from "../checked-answer.ts";
import { int64Codec } from "../codecs/plain-codecs.ts";
import { structuredCodec } from "../codecs/structured-codec.ts";
import {
  valueState,
  type AggregateFunction,
  type StateOptions,
} from "../state/state-descriptor.ts";
import type { Key, KeyedOperator, KeyedOperatorLogic, Update } from "./keyed-operator.ts";

/** What can be compared: of one kind throughout. */
export type Comparable = number | string | bigint;

/** What every one of them may be given. */
export interface UpdatingOptions<Stored> extends StateOptions {
  /** How the result is stored. codecs.structured() by default. */
  readonly codec?: Codec<Stored>;
}

interface UpdatingDefinition<In, Stored, Out> extends UpdatingOptions<Stored> {
  readonly kind: string;
  /** Name of the state. */
  readonly uid: string;
  /** The user's function may change what it is given in place. */
  readonly mayMutate?: boolean;
  /** Answers a new value, or `stored` itself, unchanged, when the record makes no difference. */
  readonly add: (stored: Stored | undefined, record: In) => Stored;
  readonly result: (stored: Stored) => Out;
}

/** A result that begins with the first record and takes in the others. */
export function reduceOperator<T, K extends Key = Key>(
  uid: string,
  reduce: (a: T, b: T) => T,
  options: UpdatingOptions<T> = {},
): KeyedOperator<[T], K, Update<K, T>> {
  return updatingOperator<T, K, T, T>({
    ...options,
    kind: "reduce",
    uid,
    mayMutate: true,
    add: (stored, record) => (stored === undefined ? record : reduce(stored, record)),
    result: (stored) => stored,
  });
}

/** How many records each key had. */
export function countOperator<In, K extends Key = Key>(
  uid: string,
  options: StateOptions = {},
): KeyedOperator<[In], K, Update<K, number>> {
  return updatingOperator<In, K, number, number>({
    ...options,
    codec: int64Codec,
    kind: "count",
    uid,
    add: (stored = 0) => stored + 1,
    result: (stored) => stored,
  });
}

/** The sum of finite numbers. Of whole numbers it is exact up to 2^53; of others it depends on the order of records. */
export function sumOperator<In, K extends Key = Key>(
  uid: string,
  select: (record: In) => number,
  options: UpdatingOptions<number> = {},
): KeyedOperator<[In], K, Update<K, number>> {
  const who = `The function of sum "${uid}"`;
  return updatingOperator<In, K, number, number>({
    ...options,
    kind: "sum",
    uid,
    add: (stored = 0, record) => addNumber(stored, select(record), who),
    result: (stored) => stored,
  });
}

/** The smallest of the selected values. Of numbers finite ones: another fails its record. */
export function minOperator<In, V extends Comparable, K extends Key = Key>(
  uid: string,
  select: (record: In) => V,
  options: UpdatingOptions<V> = {},
): KeyedOperator<[In], K, Update<K, V>> {
  return extremeOperator<In, K, V>("min", uid, select, (value) => value, options);
}

/** The largest of the selected values. Of numbers finite ones: another fails its record. */
export function maxOperator<In, V extends Comparable, K extends Key = Key>(
  uid: string,
  select: (record: In) => V,
  options: UpdatingOptions<V> = {},
): KeyedOperator<[In], K, Update<K, V>> {
  return extremeOperator<In, K, V>("max", uid, select, (value) => value, options);
}

/** The record with the smallest selected value; of equal ones the first. */
export function minByOperator<In, K extends Key = Key>(
  uid: string,
  select: (record: In) => Comparable,
  options: UpdatingOptions<In> = {},
): KeyedOperator<[In], K, Update<K, In>> {
  return extremeOperator<In, K, In>("minBy", uid, (record) => record, select, options);
}

/** The record with the largest selected value; of equal ones the first. */
export function maxByOperator<In, K extends Key = Key>(
  uid: string,
  select: (record: In) => Comparable,
  options: UpdatingOptions<In> = {},
): KeyedOperator<[In], K, Update<K, In>> {
  return extremeOperator<In, K, In>("maxBy", uid, (record) => record, select, options);
}

/** Any fold, with an accumulator that need not look like the result. */
export function aggregateOperator<In, Accumulator, Out, K extends Key = Key>(
  uid: string,
  aggregate: AggregateFunction<In, Accumulator, Out>,
  options: UpdatingOptions<Accumulator> = {},
): KeyedOperator<[In], K, Update<K, Out>> {
  const definition: UpdatingDefinition<In, Accumulator, Out> = {
    ...options,
    kind: "aggregate",
    uid,
    mayMutate: true,
    add: (stored, record) =>
      aggregate.add(stored === undefined ? aggregate.createAccumulator() : stored, record),
    result: (stored) => aggregate.getResult(stored),
  };
  return updatingOperator<In, K, Accumulator, Out>(definition);
}

function extremeOperator<In, K, Kept>(
  kind: "min" | "max" | "minBy" | "maxBy",
  uid: string,
  keep: (record: In) => Kept,
  rank: (kept: Kept) => Comparable,
  options: UpdatingOptions<Kept>,
): KeyedOperator<[In], K, Update<K, Kept>> {
  const wantsSmaller = kind === "min" || kind === "minBy";
  // What only ranks a record may be infinite; what is the result may not.
  const check = kind === "min" || kind === "max" ? checkExtreme : checkComparable;
  const who = `The function of ${kind} "${uid}"`;
  return updatingOperator<In, K, Kept, Kept>({
    ...options,
    kind,
    uid,
    add(stored, record) {
      const candidate = keep(record);
      const ranked = check(rank(candidate), who);
      if (stored === undefined) return candidate;
      const isBetter = wantsSmaller
        ? isBelow(ranked, rank(stored), who)
        : isBelow(rank(stored), ranked, who);
      return isBetter ? candidate : stored;
    },
    result: (stored) => stored,
  });
}

function updatingOperator<In, K, Stored, Out>(
  definition: UpdatingDefinition<In, Stored, Out>,
): KeyedOperator<[In], K, Update<K, Out>> {
  const {
    kind,
    uid,
    mayMutate = false,
    add,
    result,
    codec = structuredCodec<Stored>(),
    ttl,
  } = definition;
  const descriptor = valueState(uid, codec, ttl === undefined ? {} : { ttl });
  const isAggregate = kind === "aggregate";
  const adding = isAggregate ? `add of aggregate "${uid}"` : `The function of ${kind} "${uid}"`;
  const showing = `getResult of ${kind} "${uid}"`;
  return {
    kind,
    inputs: 1,
    output: "updates",
    states: [descriptor],
    create(setup): KeyedOperatorLogic {
      const state = setup.state(descriptor);
      return {
        process(_input, record, context) {
          const stored = state.get();
          const isFurther = mayMutate && context.isUpdated;
          // A copy of its own where `stored` may be changed under it.
          const before = mayMutate && !isFurther ? state.get() : stored;
          const old = before === undefined || isFurther ? undefined : result(before);
          const next = checkAnswer(add(stored, record as In), adding);
          state.update(next);
          const value = checkAnswer(result(next), showing);
          if (isFurther || value !== old) context.emitUpdate(old, value);
        },
      };
    },
  };
}
