/**
 * The process functions: everything else can be written with them. Keyed state, timers, side outputs;
 * one input, or two that share the state of the key (Flink's KeyedProcessFunction, KeyedCoProcessFunction).
 */
import type { FiredTimer, Key, KeyedOperator, KeyedOperatorLogic } from "./keyed-operator.ts";
import {
  emitReturned,
  openStates,
  UserContext,
  type Emitted,
  type FunctionContext,
  type NoStates,
  type StateDescriptors,
} from "./user-function.ts";

export interface FunctionTimer {
  readonly timestamp: number;
  readonly domain: "event" | "processing";
}

/**
 * The functions must be pure but for the context: a record whose state is not in memory is run again, and may
 * be run ahead of its turn, with what a function throws there disregarded.
 * Records to emit are returned: an array, or a generator's yields.
 */
export interface ProcessFunction<In, K, Out, S extends StateDescriptors> {
  readonly state?: S;
  process(record: In, context: FunctionContext<K, S>): Emitted<Out>;
  onTimer?(timer: FunctionTimer, context: FunctionContext<K, S>): Emitted<Out>;
}

export interface CoProcessFunction<Left, Right, K, Out, S extends StateDescriptors> {
  readonly state?: S;
  processLeft(record: Left, context: FunctionContext<K, S>): Emitted<Out>;
  processRight(record: Right, context: FunctionContext<K, S>): Emitted<Out>;
  onTimer?(timer: FunctionTimer, context: FunctionContext<K, S>): Emitted<Out>;
}

export function processOperator<
  In,
  Out = never,
  S extends StateDescriptors = NoStates,
  K extends Key = Key,
>(definition: ProcessFunction<In, K, Out, S>): KeyedOperator<[In], K, Out> {
  return {
    kind: "process",
    inputs: 1,
    output: "records",
    states: Object.values(definition.state ?? {}),
    create(setup): KeyedOperatorLogic {
      const user = new UserContext<K, S>(openStates(definition.state, setup));
      return {
        process(_input, record, context) {
          const returned = definition.process(record as In, user.over(context));
          emitReturned("process function", returned, context);
        },
        onTimer(timer: FiredTimer, context) {
          const returned = definition.onTimer?.(timer, user.over(context));
          emitReturned("process function", returned, context);
        },
      };
    },
  };
}

/** Two inputs that share the key's state. Records of either come one at a time. */
export function coProcessOperator<
  Left,
  Right,
  Out = never,
  S extends StateDescriptors = NoStates,
  K extends Key = Key,
>(definition: CoProcessFunction<Left, Right, K, Out, S>): KeyedOperator<[Left, Right], K, Out> {
  return {
    kind: "coProcess",
    inputs: 2,
    output: "records",
    states: Object.values(definition.state ?? {}),
    create(setup): KeyedOperatorLogic {
      const user = new UserContext<K, S>(openStates(definition.state, setup));
      return {
        process(input, record, context) {
          const returned =
            input === 0
              ? definition.processLeft(record as Left, user.over(context))
              : definition.processRight(record as Right, user.over(context));
          emitReturned("two-input process function", returned, context);
        },
        onTimer(timer: FiredTimer, context) {
          const returned = definition.onTimer?.(timer, user.over(context));
          emitReturned("two-input process function", returned, context);
        },
      };
    },
  };
}
