/**
 * What a keyed operator is: a definition (plain data, part of the job graph) and the logic it makes
 * for each partition. Logic knows records, keys, time, state and timers, and nothing of frames,
 * channels or engines. It acts only through its context, because a record may be run more than once.
 */
import type { KeyType } from "../../state-engine/state/key-codec.ts";
import type { StateOf } from "../state/create-state.ts";
import type { MapState } from "../state/keyed-state.ts";
import type { MapStateDescriptor, StateDescriptor } from "../state/state-descriptor.ts";
import type { Timer } from "../time/timer-key.ts";
import type { AsyncPolicy } from "./async-policy.ts";
import type { OutputTag } from "./output-tag.ts";

/** The types a key may have. */
export type Key = string | number;

/** The definition. `In` is a tuple: one record type per input. */
export interface KeyedOperator<In extends readonly unknown[], K, Out> {
  /** For describe() and error messages, such as "reduce". */
  readonly kind: string;
  /** Inputs by number from 0; those listed in `broadcastInputs` go to every partition. */
  readonly inputs: number;
  readonly broadcastInputs?: readonly number[];
  /** "updates": emits Update objects, once per key and batch; only operators that upsert or retract may follow [39]. */
  readonly output: "records" | "updates";
  /** Its records are changes (changes.ts): what was put in is taken out again. Only such an operator may follow updates [39]. */
  readonly retracts?: true;
  /** Every state, the operator's own included. Names are unique within the vertex. */
  readonly states: readonly StateDescriptor[];
  /** Names of those whose namespace is a window. */
  readonly windowStates?: readonly string[];
  /** Names of those that are broadcastState(). */
  readonly broadcastStates?: readonly string[];
  create(setup: OperatorSetup): KeyedOperatorLogic;
  /** For operators that hand out requests: how the runtime runs them. */
  readonly asynchronous?: AsynchronousCalls;
  /** Types only. */
  readonly types?: { readonly in: In; readonly key: K; readonly out: Out };
}

/** Any keyed operator, its types forgotten. */
export type AnyKeyedOperator = Omit<KeyedOperator<readonly unknown[], unknown, unknown>, "types">;

/** Hands out the state handles once, when a partition opens. */
export interface OperatorSetup {
  readonly keyType: KeyType;
  /** The handle of a state in the definition's `states`. */
  state<D extends StateDescriptor>(descriptor: D): StateOf<D>;
  /** A map that is the same on all partitions. Only processing a broadcast record may write it. */
  broadcastState<K extends string | number, V>(
    descriptor: MapStateDescriptor<K, V>,
  ): MapState<K, V>;
}

export interface KeyedOperatorLogic {
  /** A record of a partitioned input. */
  process(input: number, record: unknown, context: OperatorContext): void;
  /** A record of a broadcast input. There is no current key. */
  processBroadcast?(input: number, record: unknown, context: OperatorContext): void;
  onTimer?(timer: FiredTimer, context: OperatorContext): void;
  /** The result of a request it handed out. */
  onResult?(sequence: number, outcome: RequestOutcome, context: OperatorContext): void;
  /** For operators that hand out requests: the records that wait, to be issued again after a restore. */
  readonly waiting?: WaitingRecords;
}

export interface WaitingRecords {
  /** The map of waiting records by sequence; keys are integers. */
  readonly state: StateDescriptor;
  /** What a stored waiting record asks for. `isAnswered`: only its turn is missing, not its result. */
  read(stored: Uint8Array): {
    readonly record: unknown;
    readonly watermark: number;
    readonly isAnswered: boolean;
  };
}

export interface FiredTimer extends Timer {
  readonly domain: "event" | "processing";
}

/** What logic may do. One object per partition, moved from record to record: never keep what it answers. */
export interface OperatorContext {
  readonly key: unknown;
  /** Event time of the record, or the time of the timer; undefined when the record has none. */
  readonly timestamp: number | undefined;
  readonly watermark: number;
  /** The partition's time: the latest arrival time applied [15]. */
  readonly processingTime: number;
  /** Scopes state and timers within the key: a window. Empty outside of any. */
  namespace: Uint8Array;
  /** `timestamp`: of the emitted record; the current one by default. */
  emit(value: unknown, timestamp?: number): void;
  /** The current key's result has changed in this batch before: `old` of a further change is not looked at. */
  readonly isUpdated: boolean;
  /** The result of the current key changed. */
  emitUpdate(old: unknown, value: unknown): void;
  sideOutput<T>(tag: OutputTag<T>, value: T, timestamp?: number): void;
  registerEventTimeTimer(timestamp: number): void;
  deleteEventTimeTimer(timestamp: number): void;
  registerProcessingTimeTimer(timestamp: number): void;
  deleteProcessingTimeTimer(timestamp: number): void;
  /** Hands out something to be done elsewhere; its result comes to onResult with the same key. */
  request(sequence: number, record: unknown): void;
  /** The record of a request has been emitted or dropped: the watermark need not wait for it any more. */
  settle(sequence: number): void;
}

/** A result of one key went from `old` to `value`. `old` is undefined for a key that had none. */
export interface Update<K, V> {
  readonly key: K;
  readonly old: V | undefined;
  readonly value: V;
}

/** Something asynchronous to be done by the runtime. Plain data but for the record. */
export interface AsyncRequest {
  readonly keyGroup: number;
  readonly key: Uint8Array;
  /** Unique within the key. */
  readonly sequence: number;
  readonly record: unknown;
}

export type RequestOutcome =
  | { readonly kind: "result"; readonly values: readonly unknown[] }
  /** Its last attempt failed. */
  | {
      readonly kind: "failure";
      readonly error: string;
      /** The error's name, and the number of attempts, as far as they are known. */
      readonly name?: string;
      readonly attempts?: number;
    };

export interface AsynchronousCalls {
  readonly policy: AsyncPolicy;
  /** Runs outside of the partition's loop, possibly more than once for a record. */
  readonly call: (record: unknown, context: AsyncContext<unknown>) => Promise<readonly unknown[]>;
}

/** What an asynchronous function knows besides its record. */
export interface AsyncContext<K = Key> {
  readonly key: K;
  /** From 1. A record may be asked for again after a restore, beginning at 1. */
  readonly attempt: number;
  /** Aborted when the attempt takes too long, or its result is not wanted any more: give it to fetch. */
  readonly signal: AbortSignal;
}

/** Where a runner's results go, record by record, once each is done. */
export interface OperatorOutput {
  record(value: unknown, timestamp: number | undefined): void;
  update(update: Update<unknown, unknown>): void;
  side(tag: string, value: unknown, timestamp: number | undefined): void;
  request(request: AsyncRequest): void;
}
