/**
 * A keyed operator on one partition: takes frames of records and watermarks from its input channels,
 * runs the operator's logic over the state engine, and hands results through the stateless operators
 * behind it to the emitter. Beside keyed-task.ts, which only counts.
 *
 * Promise: one call at a time, finished before the next begins, so records keep the order of the
 * calls. A call answers a promise only when state had to be fetched. A throw leaves the engine changed
 * in part: the caller must drop it [8].
 */
import { StateEngineError, type StateEngine } from "../../state-engine/index.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import { ChainState, compileConsumers, type Push } from "../chain.ts";
import { structuredCodec } from "../codecs/structured-codec.ts";
import { isEmptyFrame } from "../frame-kind.ts";
import { FrameError } from "../frame.ts";
import { OperatorFailure } from "../operator-failure.ts";
import type { KeyedVertex, OperatorDefinition } from "../job-graph.ts";
import { keyGroupOf } from "../key-group.ts";
import type { AsyncRequest, OperatorOutput, RequestOutcome } from "../operators/keyed-operator.ts";
import { OperatorRunner } from "../operators/operator-runner.ts";
import type { KeyedRecord, RunnerActivity } from "../operators/runner-types.ts";
import { RecordFrameReader } from "../record-frame.ts";
import { EngineStateStore } from "../state/engine-state-store.ts";
import { stateIdsOf } from "../state-ids.ts";
import { WatermarkValve, type ChannelWatermark } from "../time/watermark-valve.ts";
import { Answers } from "./answers.ts";
import type { Emitter } from "./emitter.ts";
import { LookAhead, type UpcomingRecord } from "./look-ahead.ts";

export interface OperatorTaskOptions {
  readonly vertex: KeyedVertex;
  readonly definition: OperatorDefinition;
  readonly engine: StateEngine;
  readonly keyGroups: KeyGroupRange;
  readonly maxParallelism: number;
  readonly emitter: Emitter;
  readonly restored: RestoredTask;
  /** Channels whose records come straight from a log. */
  readonly channelsOfLines: ReadonlySet<string>;
  /** Runs the request of an asynchronous operator, and later gives its outcome to answered(). */
  readonly startRequest: (request: AsyncRequest) => void;
  /** The output for records whose request failed for good; undefined when the job has none [42]. */
  readonly deadLetters: string | undefined;
}

/** Where a checkpoint left the task. */
export interface RestoredTask {
  /** The task's time, ms since the epoch [15]. */
  readonly time: number;
  readonly watermark: number;
  /** By id, all of them. */
  readonly channels: readonly (readonly [string, ChannelWatermark])[];
}

export interface RecordsFrame {
  readonly bytes: Uint8Array;
  /** Event time of the channel after the frame; -Infinity while unknown. */
  readonly watermark: number;
}

/** A function of the job threw. */
export class TaskFunctionFailure extends Error {
  override readonly name = "TaskFunctionFailure";
  /** As in `process "checks"`. */
  readonly operator: string;
  readonly activity: RunnerActivity;

  constructor(operator: string, activity: RunnerActivity, cause: unknown) {
    super(`The ${operator} failed.`, { cause });
    this.operator = operator;
    this.activity = activity;
  }
}

const codec = structuredCodec();

const nothing = (): Iterable<UpcomingRecord> => [];

export class OperatorTask {
  readonly #options: OperatorTaskOptions;
  readonly #store: EngineStateStore;
  readonly #runner: OperatorRunner;
  readonly #valve: WatermarkValve;
  readonly #broadcastInputs: ReadonlySet<number>;
  readonly #answers: Answers;
  readonly #lookAhead: LookAhead;
  #isClosed = false;

  constructor(options: OperatorTaskOptions) {
    const { vertex, definition, engine, keyGroups, restored } = options;
    this.#options = options;
    this.#store = new EngineStateStore(engine);
    this.#valve = new WatermarkValve(restored.channels, restored.watermark);
    this.#broadcastInputs = new Set(definition.broadcastInputs);
    this.#runner = new OperatorRunner({
      operator: definition,
      stateIds: stateIdsOf(vertex),
      keyType: vertex.keyType,
      keyGroups,
      store: this.#store,
      output: outputOf(options),
      restored: { watermark: this.#valve.watermark, processingTime: restored.time },
    });
    this.#answers = new Answers({ ...options, runner: this.#runner });
    this.#lookAhead = new LookAhead(this.#runner, this.#store);
  }

  /** Latest arrival time applied, or processing-time timer fired [15]. */
  get time(): number {
    return this.#runner.processingTime;
  }

  get watermark(): number {
    return this.#valve.watermark;
  }

  /** The watermark to pass on: held back by records whose results are still out [14]. */
  get outputWatermark(): number {
    return this.#answers.areIssued ? this.#runner.outputWatermark : -Infinity;
  }

  /** Nothing holds event time back: no channel, and no record whose result is out. */
  get isIdle(): boolean {
    return this.#valve.isIdle && !this.isWaiting;
  }

  /** Records wait for results, as far as is known. */
  get isWaiting(): boolean {
    return !this.#answers.areIssued || this.#runner.openRequests > 0;
  }

  /** The outcome of a request that was started. It is applied by whatever runs next: applyAnswers at the latest. */
  answered(request: AsyncRequest, outcome: RequestOutcome): void {
    this.#answers.add(request, outcome);
  }

  /** Applies the outcomes that have come. First of all after a restore it issues the requests of waiting records again [14]. */
  applyAnswers(): void | Promise<void> {
    return this.#batch(() => true);
  }

  get channels(): readonly (readonly [string, ChannelWatermark])[] {
    return this.#valve.save();
  }

  /** After this nothing that was waiting for state goes on. */
  close(): void {
    this.#isClosed = true;
    this.#answers.close();
  }

  /** Applies every record of the frame and answers how many there were. */
  apply(channel: string, { bytes, watermark }: RecordsFrame): number | Promise<number> {
    const run = isEmptyFrame(bytes) ? undefined : new FrameRun(bytes);
    const done = this.#untilDone(
      () => {
        if (run !== undefined && !this.#run(channel, run)) return false;
        return this.#advance(channel, watermark);
      },
      run && (() => this.#upcoming(channel, run)),
    );
    const finish = (): number => {
      this.#endBatch();
      return run?.reader.records ?? 0;
    };
    return done === undefined ? finish() : done.then(finish);
  }

  /** The channel's watermark has come in order, without a record. */
  advance(channel: string, watermark: number): void | Promise<void> {
    return this.#batch(() => this.#advance(channel, watermark));
  }

  /** The channel holds event time back again, and does not know it yet [28]. */
  markActive(channel: string): void {
    this.#valve.advance(channel, -Infinity);
  }

  /** The channel has fallen silent: it does not hold event time back any more [28]. */
  markIdle(channel: string): void | Promise<void> {
    return this.#batch(() => this.#runner.advanceWatermark(this.#valve.markIdle(channel)));
  }

  /** The clock reaches `now`, and nothing waits to be applied: overdue processing-time timers fire. */
  advanceClock(now: number): void | Promise<void> {
    return this.#batch(() => this.#runner.advanceClock(now));
  }

  /** When advanceClock next has something to do: Infinity for never, undefined when that must be fetched first. */
  nextClockTimer(): number | undefined {
    return this.#runner.nextClockTimer();
  }

  /** Makes the next nextClockTimer() know. Nothing else may run meanwhile. */
  fetchMissing(): Promise<void> {
    return this.#store.fetchMissing();
  }

  #batch(attempt: () => boolean): void | Promise<void> {
    const done = this.#untilDone(attempt);
    if (done === undefined) return this.#endBatch();
    return done.then(() => this.#endBatch());
  }

  #endBatch(): void {
    this.#named(() => this.#runner.endBatch());
  }

  #untilDone(attempt: () => boolean, upcoming = nothing): Promise<void> | undefined {
    const whole = (): boolean => this.#answers.apply() && attempt();
    return this.#named(whole) ? undefined : this.#fetchUntilDone(whole, upcoming);
  }

  async #fetchUntilDone(
    attempt: () => boolean,
    upcoming: () => Iterable<UpcomingRecord>,
  ): Promise<void> {
    this.#lookAhead.begin();
    do {
      if (this.#answers.lacksRoom) {
        await this.#answers.next();
      } else {
        this.#lookAhead.look(upcoming());
        await this.#store.fetchMissing();
      }
      if (this.#isClosed) throw new Error("The task was closed while it waited for state.");
    } while (!this.#named(attempt));
    this.#lookAhead.end();
  }

  /** Says of what the user's functions throw where it was thrown. */
  #named<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (error instanceof FrameError || error instanceof StateEngineError) throw error;
      const { vertex, definition } = this.#options;
      const vertexName = `${definition.kind} "${vertex.uid}"`;
      if (!(error instanceof OperatorFailure)) {
        throw new TaskFunctionFailure(vertexName, this.#runner.activity, error);
      }
      const operator = `${error.operator} after the ${vertexName}`;
      throw new TaskFunctionFailure(operator, this.#runner.activity, error.cause);
    }
  }

  #advance(channel: string, watermark: number): boolean {
    if (watermark === -Infinity) return true;
    const time = this.#valve.advance(channel, watermark);
    if (!this.#runner.advanceWatermark(time)) return false;
    // The end of the input waits for every result: what comes after it is a last checkpoint [14].
    return time !== Infinity || this.#answers.settle();
  }

  /** Goes on where the last call stopped. False when state is missing. */
  #run(channel: string, run: FrameRun): boolean {
    while (run.hasRecord || run.next()) {
      if (!this.#advance(channel, run.reader.watermark)) return false;
      if (!this.#answers.makeRoom()) return false;
      if (!this.#process(channel, run.reader)) return false;
      run.hasRecord = false;
    }
    return true;
  }

  #process(channel: string, reader: RecordFrameReader): boolean {
    const { input } = reader;
    if (!reader.isBroadcast) {
      return this.#runner.process(input, this.#keyedRecord(channel, reader));
    }
    if (!this.#broadcastInputs.has(input)) {
      throw new FrameError(`A broadcast record came to input ${input}, which has keys.`);
    }
    return this.#runner.processBroadcast(input, this.#recordOf(channel, reader));
  }

  /** Records of the frame that have not been applied, up to the first that cannot be read. */
  *#upcoming(channel: string, run: FrameRun): Generator<UpcomingRecord> {
    const reader = run.reader.fork();
    try {
      for (let hasRecord = run.hasRecord || reader.next(); hasRecord; hasRecord = reader.next()) {
        if (reader.isBroadcast) continue;
        yield { ...this.#keyedRecord(channel, reader), input: reader.input };
      }
    } catch {
      // Thrown again, and reported, when its turn comes.
    }
  }

  #keyedRecord(channel: string, reader: RecordFrameReader): KeyedRecord {
    const { keyGroups, maxParallelism } = this.#options;
    const keyGroup = keyGroupOf(reader.hash, maxParallelism);
    if (keyGroup < keyGroups.first || keyGroup > keyGroups.last) {
      throw new FrameError(
        `A record of key group ${keyGroup} came to the owner of ${keyGroups.first} to ` +
          `${keyGroups.last}: the sender knows another parallelism.`,
      );
    }
    return { ...this.#recordOf(channel, reader), key: reader.key, keyGroup };
  }

  #recordOf(channel: string, reader: RecordFrameReader): Omit<KeyedRecord, "key" | "keyGroup"> {
    const { timestamp, arrivalTime } = reader;
    // Behind a keyed operator there are no lines.
    const line = this.#options.channelsOfLines.has(channel) ? reader.line : undefined;
    return { value: codec.decode(reader.value), timestamp, arrivalTime, line };
  }
}

/** A frame and how far it has been applied. */
class FrameRun {
  readonly reader: RecordFrameReader;
  /** The reader stands at a record that is not applied yet. */
  hasRecord = false;

  constructor(bytes: Uint8Array) {
    this.reader = new RecordFrameReader(bytes);
  }

  next(): boolean {
    this.hasRecord = this.reader.next();
    return this.hasRecord;
  }
}

/** The runner's results, through the stateless operators behind the vertex, to the emitter. */
function outputOf({
  vertex,
  definition,
  emitter,
  startRequest,
}: OperatorTaskOptions): OperatorOutput {
  const state = new ChainState();
  const compile = (isUpdating: boolean, consumers: KeyedVertex["results"]): Push =>
    compileConsumers(consumers, state, {
      edge: (edge) => (record) => emitter.forward(edge, record, state.timestamp),
      sink: ({ name }) =>
        isUpdating
          ? (record) => {
              const { key, value } = record as { readonly key: unknown; readonly value: unknown };
              // A result that is gone.
              emitter.upsert(name, key, value ?? null);
            }
          : (record) => emitter.append(name, record),
    });
  const results = compile(definition.output === "updates", vertex.results);
  const sides = new Map(
    Object.entries(vertex.sides).map(([tag, consumers]) => [tag, compile(false, consumers)]),
  );
  return {
    record(value, timestamp) {
      state.timestamp = timestamp;
      results(value);
    },
    update: (update) => results(update),
    side(tag, value, timestamp) {
      state.timestamp = timestamp;
      sides.get(tag)?.(value);
    },
    request: startRequest,
  };
}
