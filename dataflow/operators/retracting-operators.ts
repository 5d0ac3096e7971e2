/**
 * Operators that may follow an updating stream: each record is a change, a result that is put in or
 * taken out again, so a count of counts takes the old count of a key out of its group and puts the
 * new one in. What they arrive at does not depend on how updates were batched [39]: changes between
 * two results of a key cancel out.
 *
 * Promise: a group whose last member was taken out has no state, and its update says `undefined`.
 */
import { checkAnswer } from "../checked-answer.ts";
import type { Codec } from "../codecs/codec.ts";
import { int64Codec } from "../codecs/plain-codecs.ts";
import { structuredCodec } from "../codecs/structured-codec.ts";
import { valueState, type AggregateFunction } from "../state/state-descriptor.ts";
import type { Key, KeyedOperator, KeyedOperatorLogic, Update } from "./keyed-operator.ts";

/** One side of an update: what `key` had until now, or has from now on. */
export interface Change<V, K = unknown> {
  readonly isTakenOut: boolean;
  readonly key: K;
  readonly value: V;
}

/** A fold that can also be undone: retract(add(a, r), r) is a again, whatever was added in between. */
export interface RetractableAggregate<In, Accumulator, Out> extends AggregateFunction<
  In,
  Accumulator,
  Out
> {
  retract(accumulator: Accumulator, record: In): Accumulator;
}

/** The changes an update consists of; of one that changes nothing, none. */
export function changesOf({ key, old, value }: Update<unknown, unknown>): Change<unknown>[] {
  const changes: Change<unknown>[] = [];
  if (old === value) return changes;
  if (old !== undefined) changes.push({ isTakenOut: true, key, value: old });
  if (value !== undefined) changes.push({ isTakenOut: false, key, value });
  return changes;
}

/** How many keys of the stream before have a result in this group. */
export function retractingCountOperator<V, K extends Key = Key>(
  uid: string,
): KeyedOperator<[Change<V>], K, Update<K, number | undefined>> {
  return retractingOperator<V, K, number, number>({
    kind: "count",
    uid,
    codec: int64Codec,
    change: (stored = 0, { isTakenOut }) => stored + (isTakenOut ? -1 : 1),
    isEmpty: (stored) => stored === 0,
    result: (stored) => stored,
  });
}

/** A fold over the results in this group. */
export function retractingAggregateOperator<V, Accumulator, Out, K extends Key = Key>(
  uid: string,
  aggregate: RetractableAggregate<V, Accumulator, Out>,
  kind = "aggregate",
): KeyedOperator<[Change<V>], K, Update<K, Out | undefined>> {
  const adding = `add of ${kind} "${uid}"`;
  const takingOut = `retract of ${kind} "${uid}"`;
  const showing = `getResult of ${kind} "${uid}"`;
  return retractingOperator<V, K, Group<Accumulator>, Out>({
    kind,
    uid,
    codec: structuredCodec<Group<Accumulator>>(),
    change(stored, { isTakenOut, value }) {
      const { members, accumulator } = stored ?? {
        members: 0,
        accumulator: aggregate.createAccumulator(),
      };
      return isTakenOut
        ? {
            members: members - 1,
            accumulator: checkAnswer(aggregate.retract(accumulator, value), takingOut),
          }
        : {
            members: members + 1,
            accumulator: checkAnswer(aggregate.add(accumulator, value), adding),
          };
    },
    isEmpty: ({ members }) => members === 0,
    result: ({ accumulator }) => checkAnswer(aggregate.getResult(accumulator), showing),
  });
}

/** The sum over the results in this group: whole numbers, or it would depend on the order of changes [39]. */
export function retractingSumOperator<V, K extends Key = Key>(
  uid: string,
  select: (value: V) => number,
): KeyedOperator<[Change<V>], K, Update<K, number | undefined>> {
  const selectWhole = (value: V): number => {
    const number = select(value);
    if (Number.isSafeInteger(number)) return number;
    throw new TypeError(
      `The function of sum "${uid}" answered ${String(number)}. After an updating stream only whole ` +
        `numbers within 2^53 are summed: others do not cancel out exactly.`,
    );
  };
  return retractingAggregateOperator<V, number, number, K>(
    uid,
    {
      createAccumulator: () => 0,
      add: (sum, value) => sum + selectWhole(value),
      retract: (sum, value) => sum - selectWhole(value),
      getResult: (sum) => sum,
      merge: (one, other) => one + other,
    },
    "sum",
  );
}

interface Group<Accumulator> {
  readonly members: number;
  readonly accumulator: Accumulator;
}

function retractingOperator<V, K, Stored, Out>(definition: {
  readonly kind: string;
  readonly uid: string;
  readonly codec: Codec<Stored>;
  readonly change: (stored: Stored | undefined, change: Change<V>) => Stored;
  readonly isEmpty: (stored: Stored) => boolean;
  readonly result: (stored: Stored) => Out;
}): KeyedOperator<[Change<V>], K, Update<K, Out | undefined>> {
  const { kind, uid, codec, change, isEmpty, result } = definition;
  const descriptor = valueState(uid, codec);
  return {
    kind,
    inputs: 1,
    output: "updates",
    retracts: true,
    states: [descriptor],
    create(setup): KeyedOperatorLogic {
      const state = setup.state(descriptor);
      return {
        process(_input, record, context) {
          const stored = state.get();
          // Before the change, which may write into what it was given.
          const old = stored === undefined ? undefined : result(stored);
          const next = change(stored, record as Change<V>);
          if (isEmpty(next)) state.clear();
          else state.update(next);
          context.emitUpdate(old, isEmpty(next) ? undefined : result(next));
        },
      };
    },
  };
}
