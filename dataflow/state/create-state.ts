/** From what a user declared to the handle a user function holds, with the types kept. */
import type { KeyType } from "../../state-engine/state/key-codec.ts";
import type { MergeOperator } from "../../state-engine/index.ts";
import type { Codec } from "../codecs/codec.ts";
import type {
  AggregatingState,
  InternalState,
  ListState,
  MapState,
  ReducingState,
  ValueState,
} from "./keyed-state.ts";
import { expiringListAppend, listAppend } from "./list-append.ts";
import type { StateAccess } from "./state-access.ts";
import type {
  AggregateFunction,
  AggregatingStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  StateDescriptor,
  StateTtl,
  ValueStateDescriptor,
} from "./state-descriptor.ts";
import { StoredAggregatingState, StoredReducingState, StoredValueState } from "./state-handles.ts";
import { StoredListState } from "./stored-list-state.ts";
import { StoredMapState } from "./stored-map-state.ts";

/** The handle of a descriptor. */
export type StateOf<D> =
  D extends ValueStateDescriptor<infer T>
    ? ValueState<T>
    : D extends ListStateDescriptor<infer T>
      ? ListState<T>
      : D extends MapStateDescriptor<infer K, infer V>
        ? MapState<K, V>
        : D extends ReducingStateDescriptor<infer T>
          ? ReducingState<T>
          : D extends AggregatingStateDescriptor<infer In, infer _Accumulator, infer Out>
            ? AggregatingState<In, Out>
            : never;

/** A descriptor whose types are not known any more. */
interface ErasedDescriptor {
  readonly name: string;
  readonly kind: StateDescriptor["kind"];
  readonly codec: Codec<unknown>;
  readonly ttl?: StateTtl;
  readonly keyType?: KeyType;
  readonly reduce?: (a: unknown, b: unknown) => unknown;
  readonly aggregate?: AggregateFunction<unknown, unknown, unknown>;
}

export function createState<D extends StateDescriptor>(
  descriptor: D,
  access: StateAccess,
  stateId: number,
): StateOf<D> & InternalState {
  const { kind, name, codec, ttl, keyType, reduce, aggregate } =
    descriptor as unknown as ErasedDescriptor;
  const options = { name, access, stateId, codec, ttl };
  switch (kind) {
    case "value":
      return new StoredValueState(options) as unknown as StateOf<D> & InternalState;
    case "list":
      return new StoredListState(options) as unknown as StateOf<D> & InternalState;
    case "map":
      return new StoredMapState({ ...options, keyType: keyType! }) as unknown as StateOf<D> &
        InternalState;
    case "reducing":
      return new StoredReducingState({
        ...options,
        reduce: reduce!,
      }) as unknown as StateOf<D> & InternalState;
    case "aggregating":
      return new StoredAggregatingState({
        ...options,
        aggregate: aggregate!,
      }) as unknown as StateOf<D> & InternalState;
  }
}

/** How the store combines operands of a state, when its handle writes any. */
export function mergeOperatorOf(descriptor: StateDescriptor): MergeOperator | undefined {
  if (descriptor.kind !== "list") return undefined;
  // Event time the engine does not know: timers remove what expires in it.
  const { ttl } = descriptor;
  return ttl === undefined || ttl.time === "event" ? listAppend : expiringListAppend;
}
