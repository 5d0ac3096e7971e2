/**
 * Runs one keyed operator in memory, for tests of jobs: give it records, move its watermark and its
 * clock, look at what it emits and keeps, snapshot and restore it. What Flink's
 * KeyedOneInputStreamOperatorTestHarness does.
 *
 *     const harness = openHarness(operator, { keys: [(order: Order) => order.user] });
 *     await harness.process(order, order.at);
 *     await harness.processWatermark(10_000);
 *     expect(harness.values()).toEqual([...]);
 *
 * With `notResident: true` every read of state misses first, as if all of it were in R2: results must
 * be the same.
 */
import { hash32 } from "../../state-engine/bytes/hash.ts";
import { keyCodecs, type KeyType } from "../../state-engine/state/key-codec.ts";
import { keyGroupOf } from "../key-group.ts";
import type { AsyncRequest, KeyedOperator, Update } from "../operators/keyed-operator.ts";
import { OperatorRunner } from "../operators/operator-runner.ts";
import { mergeOperatorsById } from "../operators/operator-states.ts";
import type { OutputTag } from "../operators/output-tag.ts";
import { MemoryStateStore } from "../state/memory-state-store.ts";
import { decodeSnapshot, encodeSnapshot } from "./harness-snapshot.ts";

/** One key selector per input; a broadcast input has undefined. */
export type KeySelectors<In extends readonly unknown[], K> = {
  readonly [Index in keyof In]: ((record: In[Index]) => K) | undefined;
};

export interface HarnessOptions<In extends readonly unknown[], K> {
  readonly keys: KeySelectors<In, K>;
  /** "string" by default. */
  readonly keyType?: KeyType;
  /** What snapshot() answered, of this operator or of an earlier version of it. */
  readonly restore?: Uint8Array;
  /** Every read misses until fetched. */
  readonly notResident?: boolean;
  /** The clock at the start, ms since the epoch. 0 by default. */
  readonly clock?: number;
}

export interface HarnessRecord<Out> {
  readonly value: Out;
  readonly timestamp: number | undefined;
}

const MAXIMUM_PARALLELISM = 16;

/** Opens a harness on an operator; its types say what process() takes and values() answers. */
export function openHarness<In extends readonly unknown[], K extends string | number, Out>(
  operator: KeyedOperator<In, K, Out>,
  options: HarnessOptions<In, NoInfer<K>>,
): OperatorHarness<In, K, Out> {
  return new OperatorHarness(operator, options);
}

export class OperatorHarness<In extends readonly unknown[], K extends string | number, Out> {
  readonly #operator: KeyedOperator<In, K, Out>;
  readonly #options: HarnessOptions<In, K>;
  readonly #stateIds: Map<string, number>;
  readonly #store: MemoryStateStore;
  readonly #runner: OperatorRunner;
  readonly #records: HarnessRecord<Out>[] = [];
  readonly #sides = new Map<string, HarnessRecord<unknown>[]>();
  #requests: AsyncRequest[] = [];
  #clock: number;

  constructor(operator: KeyedOperator<In, K, Out>, options: HarnessOptions<In, K>) {
    this.#operator = operator;
    this.#options = options;
    const restored = options.restore === undefined ? undefined : decodeSnapshot(options.restore);
    this.#clock = Math.max(options.clock ?? 0, restored?.processingTime ?? 0);
    this.#stateIds = assignStateIds(operator, restored?.stateIds ?? new Map());
    this.#store = new MemoryStateStore({
      mergeOperators: mergeOperatorsById(operator.states, this.#stateIds),
      resident: options.notResident === true ? "fetched" : "all",
    });
    if (restored !== undefined) this.#store.load(restored.entries);
    this.#runner = new OperatorRunner({
      operator,
      stateIds: this.#stateIds,
      keyType: options.keyType ?? "string",
      keyGroups: { first: 0, last: MAXIMUM_PARALLELISM - 1 },
      store: this.#store,
      output: {
        record: (value, timestamp) => this.#records.push({ value: value as Out, timestamp }),
        update: (update) => this.#records.push({ value: update as Out, timestamp: undefined }),
        side: (tag, value, timestamp) => this.#sideOf(tag).push({ value, timestamp }),
        request: (request) => this.#requests.push(request),
      },
      ...(restored === undefined ? {} : { restored }),
    });
  }

  /** A record of the first input. `timestamp`: event time, if it has one. It arrives at the clock. */
  process(record: In[0], timestamp?: number): Promise<void> {
    return this.processInput(0, record, timestamp);
  }

  /** Records of the first input that arrive together: an updating operator tells once a key how they changed it. */
  async processBatch(records: readonly In[0][]): Promise<void> {
    for (const record of records) await this.#apply(0, record, undefined);
    this.#runner.endBatch();
  }

  /** A record of any input, by number. */
  async processInput<Index extends number>(
    input: Index,
    record: In[Index],
    timestamp?: number,
  ): Promise<void> {
    await this.#apply(input, record, timestamp);
    this.#runner.endBatch();
  }

  /** Event time reaches `watermark`; Infinity ends the input. */
  processWatermark(watermark: number): Promise<void> {
    return this.#untilDone(() => this.#runner.advanceWatermark(watermark));
  }

  /** The clock reaches `clock`, ms since the epoch: later records arrive then, overdue timers fire. */
  setClock(clock: number): Promise<void> {
    this.#clock = Math.max(clock, this.#clock);
    return this.#untilDone(() => this.#runner.advanceClock(this.#clock));
  }

  /** Issues the requests of restored records again. Call once after a restore of an asynchronous operator. */
  reissueRequests(): Promise<void> {
    return this.#untilDone(() => this.#runner.reissueRequests());
  }

  /** Requests handed out since the last call. */
  takeRequests(): readonly AsyncRequest[] {
    const taken = this.#requests;
    this.#requests = [];
    return taken;
  }

  /** The results of a request. */
  complete(request: AsyncRequest, values: readonly unknown[]): Promise<void> {
    return this.#untilDone(() => this.#runner.applyResult(request, { kind: "result", values }));
  }

  /** A request failed for good, retries included. */
  fail(request: AsyncRequest, error: string): Promise<void> {
    return this.#untilDone(() => this.#runner.applyResult(request, { kind: "failure", error }));
  }

  /** Everything emitted so far, with timestamps. */
  records(): readonly HarnessRecord<Out>[] {
    return this.#records;
  }

  /** Everything emitted so far. */
  values(): readonly Out[] {
    return this.#records.map(({ value }) => value);
  }

  /** Everything that went to a side output so far. */
  sideOutput<T>(tag: OutputTag<T>): readonly T[] {
    return this.#sideOf(tag.name).map(({ value }) => value as T);
  }

  /** For an updating operator: the newest value of each key, from the updates so far. */
  newest(): Map<K, Out extends Update<K, infer V> ? V : never> {
    type Value = Out extends Update<K, infer V> ? V : never;
    const updates = this.#records.map(({ value }) => value as unknown as Update<K, Value>);
    return new Map(updates.map(({ key, value }) => [key, value]));
  }

  /** The watermark it would pass on. */
  get outputWatermark(): number {
    return this.#runner.outputWatermark;
  }

  /** Entries of state alive, timers included. 0 means that nothing was left behind. */
  get stateEntries(): number {
    return this.#store.size;
  }

  /** All state, timers and times as bytes, for `restore` of another harness. */
  snapshot(): Uint8Array {
    const { watermark, processingTime } = this.#runner;
    const entries = this.#store.save();
    return encodeSnapshot({ watermark, processingTime, stateIds: this.#stateIds, entries });
  }

  /** Another harness on the same operator, going on from here. What was emitted stays with this one. */
  restarted(): OperatorHarness<In, K, Out> {
    return new OperatorHarness(this.#operator, {
      ...this.#options,
      restore: this.snapshot(),
      clock: this.#clock,
    });
  }

  async #apply<Index extends number>(
    input: Index,
    record: In[Index],
    timestamp: number | undefined,
  ): Promise<void> {
    const select = this.#options.keys[input];
    const arrivalTime = this.#clock;
    const arriving = { value: record, timestamp, arrivalTime };
    await this.#untilDone(() => {
      if (select === undefined) return this.#runner.processBroadcast(input, arriving);
      return this.#runner.process(input, { ...arriving, ...this.#keyed(select(record)) });
    });
  }

  async #untilDone(attempt: () => boolean): Promise<void> {
    while (!attempt()) await this.#runner.fetchMissing();
  }

  #keyed(key: K): { readonly key: Uint8Array; readonly keyGroup: number } {
    const codec = keyCodecs[this.#options.keyType ?? "string"];
    const bytes = new Uint8Array(codec.maxSize(key));
    const encoded = bytes.slice(0, codec.write(key, bytes, 0));
    return { key: encoded, keyGroup: keyGroupOf(hash32(encoded), MAXIMUM_PARALLELISM) };
  }

  #sideOf(tag: string): HarnessRecord<unknown>[] {
    const present = this.#sides.get(tag);
    if (present !== undefined) return present;
    const created: HarnessRecord<unknown>[] = [];
    this.#sides.set(tag, created);
    return created;
  }
}

/** Keeps the ids of known states and gives new ones the next. */
function assignStateIds(
  operator: {
    readonly states: readonly { readonly name: string; readonly formerly?: string }[];
  },
  known: ReadonlyMap<string, number>,
): Map<string, number> {
  const ids = new Map(known);
  for (const { formerly, name } of operator.states) {
    if (ids.has(name)) continue;
    ids.set(name, (formerly === undefined ? undefined : ids.get(formerly)) ?? ids.size + 1);
  }
  return ids;
}
