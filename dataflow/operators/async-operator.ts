/**
 * Asynchronous enrichment after keyBy. A record waits in state until its result is applied, so that a
 * checkpoint holds it, and after a restore it is asked for again [14]: the function may run more than
 * once for a record, its results are emitted once.
 *
 * The operator calls nothing: it hands out requests, the runtime runs `call` for them (at most
 * `capacity` at a time, with timeout and retries as in decideAttempt) and applies the outcome. Watermarks do
 * not overtake waiting records.
 */
import { structuredCodec } from "../codecs/structured-codec.ts";
import type { Codec } from "../codecs/codec.ts";
import type { MapState, ValueState } from "../state/keyed-state.ts";
import { mapState, valueState } from "../state/state-descriptor.ts";
import { int64Codec } from "../codecs/plain-codecs.ts";
import type {
  AsyncContext,
  AsynchronousCalls,
  Key,
  KeyedOperator,
  KeyedOperatorLogic,
  OperatorContext,
  RequestOutcome,
  WaitingRecords,
} from "./keyed-operator.ts";
import { resolveAsyncPolicy, type AsyncPolicy } from "./async-policy.ts";

export interface AsyncOptions<In, Out> extends Partial<Omit<AsyncPolicy, "retryIfResult">> {
  /** Which results are to be tried again: not there yet. The last attempt's result counts. */
  readonly retryIfResult?: (values: readonly Out[]) => boolean;
  /** "ordered": results of a key in the order of its records. "unordered": as they come. Default "ordered". */
  readonly order?: "ordered" | "unordered";
  /** What to emit when every attempt has failed. Without it the job fails, as in Flink. */
  readonly onFailure?: (record: In, error: string) => readonly Out[];
}

/**
 * An asynchronous function failed in its last attempt, or what stands in for its result did. Nothing of
 * the record has been emitted.
 */
export class RequestFailure extends Error {
  override readonly name = "RequestFailure";
}

interface Waiting {
  readonly record: unknown;
  readonly timestamp: number | undefined;
  readonly watermark: number;
  /** Its result is here, but records before it still wait. */
  readonly values?: readonly unknown[];
}

const waitingCodec: Codec<Waiting> = structuredCodec<Waiting>();

export function asyncOperator<In, Out, K extends Key = Key>(
  uid: string,
  call: (record: In, context: AsyncContext<K>) => Promise<readonly Out[]>,
  options: AsyncOptions<In, Out> = {},
): KeyedOperator<[In], K, Out> {
  const waitingState = mapState(`${uid}-waiting`, "integer", waitingCodec);
  const nextState = valueState(`${uid}-next`, int64Codec);
  const { order = "ordered", onFailure } = options;
  return {
    kind: "mapAsync",
    inputs: 1,
    output: "records",
    states: [waitingState, nextState],
    asynchronous: {
      call: call as AsynchronousCalls["call"],
      policy: resolveAsyncPolicy(uid, options as Partial<AsyncPolicy>),
    },
    create(setup): KeyedOperatorLogic {
      const waiting = setup.state(waitingState);
      const next = setup.state(nextState);
      return {
        waiting: waitingRecords(waitingState),
        process(_input, record, context) {
          const { timestamp, watermark, processingTime } = context;
          const sequence = next.get() ?? firstSequence(processingTime);
          next.update(sequence + 1);
          waiting.put(sequence, { record, timestamp, watermark });
          context.request(sequence, record);
        },
        onResult(sequence, outcome, context) {
          const entry = waiting.get(sequence);
          if (entry === undefined || entry.values !== undefined) return;
          const values = valuesOf(uid, entry.record as In, outcome, onFailure);
          if (order === "unordered") {
            emitWaiting(sequence, { ...entry, values }, waiting, context);
          } else {
            waiting.put(sequence, { ...entry, values });
            emitInOrder(waiting, context);
          }
          forgetSequence(waiting, next, context.processingTime);
        },
      };
    },
  };
}

/**
 * Sequences of a key begin at a number that grows with time, so that a key that has forgotten its
 * last one never uses a number twice: a belated answer cannot meet another record.
 */
function firstSequence(processingTime: number): number {
  return processingTime * 1024;
}

/** Once nothing waits and later sequences will be higher anyway, an idle key keeps no state. */
function forgetSequence(
  waiting: MapState<number, Waiting>,
  next: ValueState<number>,
  processingTime: number,
): void {
  const following = next.get();
  if (following === undefined || following > firstSequence(processingTime)) return;
  if (waiting.isEmpty()) next.clear();
}

function waitingRecords(state: WaitingRecords["state"]): WaitingRecords {
  return {
    state,
    read(stored) {
      const { record, watermark, values } = waitingCodec.decode(stored);
      return { record, watermark, isAnswered: values !== undefined };
    },
  };
}

/** Emits from the key's oldest record up to the first without a result. */
function emitInOrder(waiting: MapState<number, Waiting>, context: OperatorContext): void {
  for (const [sequence, entry] of waiting.entries()) {
    if (entry.values === undefined) return;
    emitWaiting(sequence, entry, waiting, context);
  }
}

function emitWaiting(
  sequence: number,
  entry: Waiting,
  waiting: MapState<number, Waiting>,
  context: OperatorContext,
): void {
  waiting.remove(sequence);
  for (const value of entry.values ?? []) context.emit(value, entry.timestamp);
  context.settle(sequence);
}

/** The records that a request gave. Throws TypeError when they are none. */
export function checkRecords(values: unknown, who: string): readonly unknown[] {
  if (!Array.isArray(values) || values.includes(undefined)) {
    throw new TypeError(
      `${who} answered undefined where a record is expected. Answer a value, or [] from flatMapAsync ` +
        `and onFailure for records that give nothing.`,
    );
  }
  return values;
}

function valuesOf<In>(
  uid: string,
  record: In,
  outcome: RequestOutcome,
  onFailure: ((record: In, error: string) => readonly unknown[]) | undefined,
): readonly unknown[] {
  if (outcome.kind === "result") return outcome.values;
  if (onFailure === undefined) {
    throw new RequestFailure(
      `The asynchronous function of "${uid}" failed in its last attempt: ${outcome.error} ` +
        `Give it onFailure to emit something else instead of failing the job.`,
    );
  }
  try {
    return checkRecords(onFailure(record, outcome.error), `onFailure of "${uid}"`);
  } catch (error) {
    throw new RequestFailure(`onFailure of "${uid}" failed: ${String(error)}`, { cause: error });
  }
}
