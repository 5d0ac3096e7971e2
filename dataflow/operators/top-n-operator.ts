/**
 * The N best records of each key, best first. Of equally good ones the earlier stays ahead. Input
 * records are only ever added; the output is an updating stream of the whole ranking.
 */
import { structuredCodec } from "../codecs/structured-codec.ts";
import type { Codec } from "../codecs/codec.ts";
import { valueState, type StateOptions } from "../state/state-descriptor.ts";
import type { Key, KeyedOperator, KeyedOperatorLogic, Update } from "./keyed-operator.ts";
import type { Comparable } from "./updating-operators.ts";

export interface TopNOptions<T> extends StateOptions {
  /** How many to keep: 1 to 10,000. All of them are one value of state. */
  readonly n: number;
  readonly rankBy: (record: T) => Comparable;
  /** Default "descending": the largest is the best. */
  readonly order?: "ascending" | "descending";
  readonly codec?: Codec<readonly T[]>;
}

export function topNOperator<T, K extends Key = Key>(
  uid: string,
  options: TopNOptions<T>,
): KeyedOperator<[T], K, Update<K, readonly T[]>> {
  const { n, rankBy, order = "descending", codec = structuredCodec<readonly T[]>(), ttl } = options;
  if (!Number.isInteger(n) || n < 1 || n > 10_000) {
    throw new RangeError(
      `Option "n" of topN "${uid}" is ${n}. Write a whole number from 1 to 10000.`,
    );
  }
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
          const next = insertRanked(old ?? [], record as T, n, rankBy, order);
          if (next === undefined) return;
          state.update(next);
          context.emitUpdate(old, next);
        },
      };
    },
  };
}

/** The new ranking, or undefined when the record is not good enough. */
function insertRanked<T>(
  ranking: readonly T[],
  record: T,
  n: number,
  rankBy: (record: T) => Comparable,
  order: "ascending" | "descending",
): readonly T[] | undefined {
  const rank = rankBy(record);
  const isBetter = (other: T): boolean =>
    order === "descending" ? rank > rankBy(other) : rank < rankBy(other);
  const place = ranking.findIndex(isBetter);
  if (place < 0) return ranking.length < n ? [...ranking, record] : undefined;
  return ranking.toSpliced(place, 0, record).slice(0, n);
}
