/**
 * What user functions that see one record at a time have in common: the context they get, how their
 * results are taken, and the states they declare.
 */
import { isPromise } from "../checked-answer.ts";
import type { StateOf } from "../state/create-state.ts";
import type { StateDescriptor } from "../state/state-descriptor.ts";
import type { OperatorContext, OperatorSetup } from "./keyed-operator.ts";
import type { OutputTag } from "./output-tag.ts";

/** States by the name the function uses: `{ last: valueState<number>("last") }`. */
export type StateDescriptors = Readonly<Record<string, StateDescriptor>>;

/** What a function has that declares no state. */
export type NoStates = Readonly<Record<string, never>>;

/** The handles of declared states, under the same names. */
export type StateHandles<S extends StateDescriptors> = {
  readonly [Name in keyof S]: StateOf<S[Name]>;
};

/** What may be done besides emitting. Only good inside the function that was given it. */
export interface FunctionContext<K, S extends StateDescriptors> {
  readonly key: K;
  readonly state: StateHandles<S>;
  /** Event time of the record, or the time of the timer; undefined when the record has none. */
  readonly timestamp: number | undefined;
  readonly watermark: number;
  /** The partition's time: the latest arrival time of a record, ms since the epoch. Use it instead of Date.now(). */
  readonly processingTime: number;
  /** Registering twice for the same key and time is registering once. Whole milliseconds. */
  readonly timers: TimerService;
  sideOutput<T>(tag: OutputTag<T>, value: T): void;
}

export interface TimerService {
  /** Fires once the watermark has reached `timestamp`. */
  registerEventTimeTimer(timestamp: number): void;
  deleteEventTimeTimer(timestamp: number): void;
  /** Fires once `timestamp` has passed on the clock, at once after a restore if that is long ago. */
  registerProcessingTimeTimer(timestamp: number): void;
  deleteProcessingTimeTimer(timestamp: number): void;
}

/**
 * What a function may return: nothing, or records to emit, as an array or a generator. Returning them,
 * instead of Flink's collector, lets their type be inferred.
 */
export type Emitted<Out> = Iterable<Out> | void;

/** Emits what a user function returned, refusing what looks like a mistake. `timestamp`: of what is emitted; the record's by default. */
export function emitReturned(
  kind: string,
  returned: unknown,
  context: OperatorContext,
  timestamp?: number,
): void {
  if (returned === undefined) return;
  if (typeof returned === "object" && returned !== null) {
    if (Symbol.iterator in returned) {
      for (const value of returned as Iterable<unknown>) context.emit(value, timestamp);
      return;
    }
    if (isPromise(returned)) {
      throw new TypeError(
        `A function of the ${kind} returned a promise. It runs synchronously, so that records keep ` +
          `their order: use asynchronous enrichment (mapAsync) for calls to the outside.`,
      );
    }
  }
  throw new TypeError(
    `A function of the ${kind} returned a ${typeof returned}. Return an array (or another iterable) ` +
      `of records to emit, such as [record], or nothing.`,
  );
}

/** Opens the declared states once for a partition. */
export function openStates<S extends StateDescriptors>(
  states: S | undefined,
  setup: OperatorSetup,
): StateHandles<S> {
  const handles = Object.entries(states ?? {}).map(([name, descriptor]) => [
    name,
    setup.state(descriptor),
  ]);
  return Object.fromEntries(handles) as StateHandles<S>;
}

/** The view of a context that user functions get. One object per partition. */
export class UserContext<K, S extends StateDescriptors> implements FunctionContext<K, S> {
  readonly state: StateHandles<S>;
  readonly timers: TimerService;
  #context: OperatorContext | undefined = undefined;

  constructor(state: StateHandles<S>) {
    this.state = state;
    this.timers = {
      registerEventTimeTimer: (at) => this.#current.registerEventTimeTimer(at),
      deleteEventTimeTimer: (at) => this.#current.deleteEventTimeTimer(at),
      registerProcessingTimeTimer: (at) => this.#current.registerProcessingTimeTimer(at),
      deleteProcessingTimeTimer: (at) => this.#current.deleteProcessingTimeTimer(at),
    };
  }

  /** The same object, looking at `context` from now on. */
  over(context: OperatorContext): this {
    this.#context = context;
    return this;
  }

  get key(): K {
    return this.#current.key as K;
  }

  get timestamp(): number | undefined {
    return this.#current.timestamp;
  }

  get watermark(): number {
    return this.#current.watermark;
  }

  get processingTime(): number {
    return this.#current.processingTime;
  }

  sideOutput<T>(tag: OutputTag<T>, value: T): void {
    this.#current.sideOutput(tag, value);
  }

  get #current(): OperatorContext {
    if (this.#context === undefined) throw new Error("A context is only good inside a function.");
    return this.#context;
  }
}
