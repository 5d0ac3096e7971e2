/**
 * Keyed records meet state that a second stream broadcasts to all partitions: rules, prices, flags.
 * Flink's KeyedBroadcastProcessFunction: only the broadcast side writes broadcast state, and it sees
 * no key; the order of broadcast records against keyed ones differs from partition to partition.
 */
import type { MapState } from "../state/keyed-state.ts";
import type { MapStateDescriptor, StateDescriptor } from "../state/state-descriptor.ts";
import type {
  FiredTimer,
  Key,
  KeyedOperator,
  KeyedOperatorLogic,
  OperatorContext,
  OperatorSetup,
} from "./keyed-operator.ts";
import type { FunctionTimer } from "./process-operator.ts";
import {
  emitReturned,
  openStates,
  UserContext,
  type Emitted,
  type FunctionContext,
  type NoStates,
  type StateDescriptors,
} from "./user-function.ts";

type Described<D> = D extends MapStateDescriptor<infer K, infer V> ? MapState<K, V> : never;
type BroadcastDescriptors = Readonly<Record<string, StateDescriptor & { readonly kind: "map" }>>;
type WritableBroadcast<B> = { readonly [Name in keyof B]: Described<B[Name]> };
type ReadableBroadcast<B> = {
  readonly [Name in keyof B]: Omit<Described<B[Name]>, "put" | "putAll" | "remove" | "clear">;
};

/** What processing a broadcast record may do. */
export interface BroadcastContext<B> {
  readonly broadcast: WritableBroadcast<B>;
  readonly timestamp: number | undefined;
  readonly watermark: number;
  readonly processingTime: number;
}

export interface BroadcastProcessFunction<
  In,
  Rule,
  K,
  Out,
  S extends StateDescriptors,
  B extends BroadcastDescriptors,
> {
  readonly state?: S;
  /** Map states, the same on every partition. */
  readonly broadcast: B;
  process(
    record: In,
    context: FunctionContext<K, S>,
    broadcast: ReadableBroadcast<B>,
  ): Emitted<Out>;
  /** What it returns is emitted once by each partition. */
  processBroadcast(record: Rule, context: BroadcastContext<B>): Emitted<Out>;
  onTimer?(
    timer: FunctionTimer,
    context: FunctionContext<K, S>,
    broadcast: ReadableBroadcast<B>,
  ): Emitted<Out>;
}

/** Input 0 is keyed, input 1 is broadcast. */
export function broadcastProcessOperator<
  In,
  Rule,
  B extends BroadcastDescriptors,
  Out = never,
  S extends StateDescriptors = NoStates,
  K extends Key = Key,
>(definition: BroadcastProcessFunction<In, Rule, K, Out, S, B>): KeyedOperator<[In, Rule], K, Out> {
  return {
    kind: "broadcastProcess",
    inputs: 2,
    broadcastInputs: [1],
    output: "records",
    states: [...Object.values(definition.state ?? {}), ...Object.values(definition.broadcast)],
    broadcastStates: Object.values(definition.broadcast).map(({ name }) => name),
    create(setup): KeyedOperatorLogic {
      const user = new UserContext<K, S>(openStates(definition.state, setup));
      const broadcast = openBroadcast(definition.broadcast, setup);
      const kind = "broadcast process function";
      return {
        process(_input, record, context) {
          const returned = definition.process(record as In, user.over(context), broadcast);
          emitReturned(kind, returned, context);
        },
        processBroadcast(_input, record, context) {
          const view = broadcastContext(broadcast, context);
          emitReturned(kind, definition.processBroadcast(record as Rule, view), context);
        },
        onTimer(timer: FiredTimer, context) {
          const returned = definition.onTimer?.(timer, user.over(context), broadcast);
          emitReturned(kind, returned, context);
        },
      };
    },
  };
}

function openBroadcast<B extends BroadcastDescriptors>(
  descriptors: B,
  setup: OperatorSetup,
): WritableBroadcast<B> {
  const handles = Object.entries(descriptors).map(([name, descriptor]) => [
    name,
    setup.broadcastState(descriptor as unknown as MapStateDescriptor<string, unknown>),
  ]);
  return Object.fromEntries(handles) as WritableBroadcast<B>;
}

function broadcastContext<B>(
  broadcast: WritableBroadcast<B>,
  context: OperatorContext,
): BroadcastContext<B> {
  const { timestamp, watermark, processingTime } = context;
  return { broadcast, timestamp, watermark, processingTime };
}
