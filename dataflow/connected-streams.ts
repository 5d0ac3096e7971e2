/**
 * Two streams that meet at the state of a key: process functions over both, joins, rules that are
 * broadcast to all partitions.
 */
import { addKeyedVertex, type KeyedHead } from "./keyed-vertex.ts";
import {
  broadcastProcessOperator,
  type BroadcastProcessFunction,
} from "./operators/broadcast-process-operator.ts";
import {
  intervalJoinOperator,
  type IntervalJoinOptions,
} from "./operators/interval-join-operator.ts";
import type { AnyKeyedOperator, Key, KeyedOperator } from "./operators/keyed-operator.ts";
import { coProcessOperator, type CoProcessFunction } from "./operators/process-operator.ts";
import { streamJoinOperator } from "./operators/stream-join-operator.ts";
import type { NoStates, StateDescriptors } from "./operators/user-function.ts";
import {
  coGroupOperator,
  windowJoinOperator,
  type JoinWindowing,
} from "./operators/window-join-operator.ts";
import type { StateDescriptor, StateOptions } from "./state/state-descriptor.ts";
import type { Stream } from "./stream.ts";
import type { WindowContext } from "./windows/window-definition.ts";

type OtherInput =
  | { readonly kind: "keyed"; readonly head: KeyedHead }
  | { readonly kind: "broadcast"; readonly stream: Pick<Stream<never>, "node" | "sketch"> };

export class ConnectedStreams<L, R, K extends Key> {
  readonly #left: KeyedHead;
  readonly #right: OtherInput;
  /** Types only. */
  declare readonly types?: { readonly left: L; readonly right: R; readonly key: K };

  constructor(left: KeyedHead, right: OtherInput) {
    this.#left = left;
    this.#right = right;
  }

  /** Both inputs share the state of the key. */
  process<Out = never, S extends StateDescriptors = NoStates>(
    uid: string,
    definition: CoProcessFunction<L, R, K, Out, S>,
  ): Stream<Out> {
    return this.apply(uid, coProcessOperator<L, R, Out, S, K>(definition));
  }

  /** For connectBroadcast: the right side writes broadcast state, the left side reads it. */
  processBroadcast<
    B extends Readonly<Record<string, StateDescriptor & { readonly kind: "map" }>>,
    Out = never,
    S extends StateDescriptors = NoStates,
  >(uid: string, definition: BroadcastProcessFunction<L, R, K, Out, S, B>): Stream<Out> {
    return this.apply(uid, broadcastProcessOperator<L, R, B, Out, S, K>(definition));
  }

  /** Pairs within bounds of event time. */
  intervalJoin<Out>(
    uid: string,
    options: IntervalJoinOptions<L, R>,
    join: (left: L, right: R) => Out,
  ): Stream<Out> {
    return this.apply(uid, intervalJoinOperator<L, R, Out, K>(uid, options, join));
  }

  /** Pairs within the same window. */
  windowJoin<Out>(
    uid: string,
    windowing: JoinWindowing<L, R>,
    join: (left: L, right: R) => Out,
  ): Stream<Out> {
    return this.apply(uid, windowJoinOperator<L, R, Out, K>(uid, windowing, join));
  }

  /** All records of both sides within the same window at once, also where one side has none: outer joins. */
  windowCoGroup<Out>(
    uid: string,
    windowing: JoinWindowing<L, R>,
    group: (lefts: readonly L[], rights: readonly R[], context: WindowContext<K>) => Iterable<Out>,
  ): Stream<Out> {
    return this.apply(uid, coGroupOperator<L, R, Out, K>(uid, windowing, group));
  }

  /** All pairs, as far back as the TTL remembers. */
  join<Out>(uid: string, options: StateOptions, join: (left: L, right: R) => Out): Stream<Out> {
    return this.apply(uid, streamJoinOperator<L, R, Out, K>(uid, options, join));
  }

  /** Any operator with two inputs, also one of your own. */
  apply<Out>(uid: string, operator: KeyedOperator<[L, R], K, Out>): Stream<Out> {
    const right = this.#rightFor(uid, operator);
    const vertex = addKeyedVertex(this.#left, uid, operator.kind, operator);
    const edge = { kind: "edge", vertex: uid, input: 1 } as const;
    right.node.consumers.push(
      right.key === undefined
        ? { ...edge, partitioning: "broadcast" }
        : { ...edge, partitioning: "hash", key: right.key },
    );
    return this.#left.open(vertex.results, vertex) as Stream<Out>;
  }

  #rightFor(
    uid: string,
    { broadcastInputs = [] }: Pick<AnyKeyedOperator, "broadcastInputs">,
  ): Pick<KeyedHead, "node"> & Partial<Pick<KeyedHead, "key">> {
    const { sketch, keyType } = this.#left;
    const wantsBroadcast = broadcastInputs.includes(1);
    const right = this.#right;
    if (wantsBroadcast !== (right.kind === "broadcast")) {
      throw new TypeError(
        `"${uid}" of job "${sketch.name}" has a ${wantsBroadcast ? "broadcast" : "keyed"} second input. ` +
          `Connect it with ${wantsBroadcast ? "connectBroadcast(stream)" : "connect(keyedStream)"}.`,
      );
    }
    const other = right.kind === "keyed" ? right.head : right.stream;
    if (other.sketch !== sketch) {
      throw new TypeError(`"${uid}" connects streams of two jobs: write both on one job().`);
    }
    if (right.kind === "keyed" && right.head.keyType !== keyType) {
      throw new TypeError(
        `"${uid}" of job "${sketch.name}" connects keys of two kinds: ${keyType} and ${right.head.keyType}.`,
      );
    }
    return other;
  }
}
