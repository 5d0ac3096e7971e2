/**
 * The N best records of each key, best first. Of equally good ones the earlier stays ahead. Input
 * records are only ever added; the output is an updating stream of the whole ranking.
 */
import { checkComparable, isBelow } from "../checked-answer.ts";
import { structuredCodec } from "../codecs/structured-codec.ts";
import type { Codec } from "../codecs/codec.ts";
import { valueState, type StateOptions } from "../state/state-descriptor.ts";
import type { Key, KeyedOperator, KeyedOperatorLogic, Update } from "./keyed-operator.ts";
import type { Comparable } from "./updating-operators.ts";

interface KeptRecords<T> extends StateOptions {
  /** How many to keep: 1 to 10,000. All of them are one value of state. */
  readonly n: number;
  readonly codec?: Codec<readonly T[]>;
}

export interface RankedBy<T> {
  readonly rankBy: (record: T) => Comparable;
  /** Default "descending": the largest is the best. */
  readonly order?: "ascending" | "descending";
}

export interface RankedByComparison<T> {
  /** Negative when `left` is better than `right`, 0 when neither is, as for Array.sort. Must be a total order. */
  readonly compare: (left: T, right: T) => number;
}

export type TopNOptions<T> = KeptRecords<T> & (RankedBy<T> | RankedByComparison<T>);

export function topNOperator<T, K extends Key = Key>(
  uid: string,
  options: TopNOptions<T>,
): KeyedOperator<[T], K, Update<K, readonly T[]>> {
  const { n, codec = structuredCodec<readonly T[]>(), ttl } = options;
  if (!Number.isInteger(n) || n < 1 || n > 10_000) {
    throw new RangeError(
      `Option "n" of topN "${uid}" is ${n}. Write a whole number from 1 to 10000.`,
    );
  }
  const placeOf = "compare" in options ? byComparison(uid, options) : byRank(uid, options);
  const ranking = valueState<readonly T[]>(uid, codec, ttl === undefined ? {} : { ttl });
  return {
    kind: "topN",
    inputs: 1,
    output: "updates",
    states: [ranking],
    create(setup): KeyedOperatorLogic {
      const state = setup.state(ranking);
      return {
        process(_input, record, context) {
          const old = state.get();
          const ranked = old ?? [];
          const place = placeOf(record as T, ranked);
          if (place >= n) return;
          const next = ranked.toSpliced(place, 0, record as T);
          if (next.length > n) next.pop();
          state.update(next);
          context.emitUpdate(old, next);
        },
      };
    },
  };
}

/** Where a record belongs: before the first one that is worse. */
type PlaceOf<T> = (record: T, ranked: readonly T[]) => number;

function byComparison<T>(uid: string, { compare }: RankedByComparison<T>): PlaceOf<T> {
  return (record, ranked) =>
    firstPlace(ranked, (other) => {
      const order: unknown = compare(record, other);
      if (typeof order === "number" && !Number.isNaN(order)) return order < 0;
      throw new TypeError(
        `compare of topN "${uid}" answered ${String(order)}. Answer a negative number when the left ` +
          `record is better, a positive one when the right one is, else 0.`,
      );
    });
}

function byRank<T>(uid: string, { rankBy, order = "descending" }: RankedBy<T>): PlaceOf<T> {
  const who = `rankBy of topN "${uid}"`;
  return (record, ranked) => {
    const rank = checkComparable(rankBy(record), who);
    return order === "descending"
      ? firstPlace(ranked, (other) => isBelow(rankBy(other), rank, who))
      : firstPlace(ranked, (other) => isBelow(rank, rankBy(other), who));
  };
}

/** Binary search: `isBehind` holds from some place on. */
function firstPlace<T>(ranked: readonly T[], isBehind: (other: T) => boolean): number {
  let low = 0;
  let high = ranked.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBehind(ranked[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
