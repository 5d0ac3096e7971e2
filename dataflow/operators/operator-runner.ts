/**
 * Runs one keyed operator on one partition: record by record, timer by timer, each wholly or not at
 * all. Every method that may need state, or room to write it, answers whether it is done; false means nothing has
 * happened beyond what earlier calls did: await fetchMissing() and call the same method with the same
 * arguments again, before any other.
 *
 * Promise: per-key order is the order of the calls. A timer fires once, after the records that were
 * there before its time. A throw of a user function passes through; the caller must then drop the
 * store [8].
 */
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import { notResident, type KeyedStateStore } from "../state/keyed-state-store.ts";
import { StateAccess } from "../state/state-access.ts";
import { StateOverlay } from "../state/state-overlay.ts";
import {
  parseTimerKey,
  timerKey,
  timestampOfTimerKey,
  type Timer,
  type TimerDomain,
} from "../time/timer-key.ts";
import { TimerQueue } from "../time/timer-queue.ts";
import { Emissions, type HeldUpdate } from "./emissions.ts";
import type {
  AsyncRequest,
  KeyedOperatorLogic,
  OperatorOutput,
  RequestOutcome,
} from "./keyed-operator.ts";
import { OpenRequests, requestId } from "./open-requests.ts";
import { mergeOperatorsById, OperatorStates } from "./operator-states.ts";
import { RunnerContext } from "./runner-context.ts";
import type { KeyedRecord, OperatorRunnerOptions, RunnerActivity } from "./runner-types.ts";
import { readWaiting } from "./waiting-scan.ts";

export class OperatorRunner {
  readonly #store: KeyedStateStore;
  readonly #output: OperatorOutput;
  readonly #keyGroups: KeyGroupRange;
  readonly #overlay: StateOverlay;
  readonly #access: StateAccess;
  readonly #states: OperatorStates;
  readonly #queues: Readonly<Record<TimerDomain, TimerQueue>>;
  readonly #emissions: Emissions;
  readonly #requests = new OpenRequests();
  readonly #context: RunnerContext;
  readonly #logic: KeyedOperatorLogic;
  readonly #kind: string;
  #doing: RunnerActivity["doing"] = "record";
  #line: number | undefined = undefined;
  #updating: HeldUpdate | undefined = undefined;
  #completed = 0;
  /** How many reads there were of what was short of state last, up to the one that missed. */
  #readsOfMissed = 0;
  /** The timers among which one was short of state; undefined when something else was. */
  #due: { readonly domain: TimerDomain; readonly time: number } | undefined = undefined;

  constructor(options: OperatorRunnerOptions) {
    const { operator, stateIds, keyType, keyGroups, store, output, restored } = options;
    this.#store = store;
    this.#output = output;
    this.#keyGroups = keyGroups;
    this.#kind = operator.kind;
    const overlay = new StateOverlay(store, mergeOperatorsById(operator.states, stateIds));
    this.#overlay = overlay;
    this.#queues = {
      expiry: new TimerQueue(overlay, "expiry", keyGroups),
      event: new TimerQueue(overlay, "event", keyGroups),
      processing: new TimerQueue(overlay, "processing", keyGroups),
    };
    const access = new StateAccess(overlay, (stateId, at) => this.#scheduleExpiry(stateId, at));
    this.#access = access;
    this.#emissions = new Emissions(output, this.#requests);
    const { kind, states } = operator;
    this.#states = new OperatorStates({ kind, states, stateIds, keyType, keyGroups, access });
    const { queues, emissions } = { queues: this.#queues, emissions: this.#emissions };
    this.#context = new RunnerContext({ access, emissions, queues, keyType, kind });
    this.#logic = operator.create(this.#states);
    if (restored !== undefined) {
      access.watermark = restored.watermark;
      this.#moveProcessingTime(restored.processingTime);
    }
  }

  get watermark(): number {
    return this.#access.watermark;
  }

  /** The latest arrival time applied; part of the partition's acknowledgement [15]. */
  get processingTime(): number {
    return this.#access.processingTime;
  }

  /** The watermark to pass on: held back by records whose results are still out [14]. */
  get outputWatermark(): number {
    return this.#requests.hold(this.#access.watermark);
  }

  /** Records waiting for a result, or for their turn after it: at capacity, take no more. */
  get openRequests(): number {
    return this.#requests.count;
  }

  /** For the report of a throw. */
  get activity(): RunnerActivity {
    const updating = this.#updating;
    if (updating !== undefined) {
      return { doing: "update", line: updating.line, key: updating.update.key };
    }
    const key = this.#doing === "broadcast" ? undefined : this.#context.key;
    return { doing: this.#doing, line: this.#line, key };
  }

  /** One record of a partitioned input. Processing-time timers before its arrival fire first. */
  process(input: number, record: KeyedRecord): boolean {
    if (!this.#store.hasRoom) return false;
    if (record.arrivalTime > this.processingTime && !this.#reach(record.arrivalTime)) return false;
    this.#enter("record", record.keyGroup, record.key, record.timestamp, record.line);
    try {
      this.#logic.process(input, record.value, this.#context);
    } catch (error) {
      return this.#abandon(error);
    }
    return this.#complete();
  }

  /** One record of a broadcast input. */
  processBroadcast(input: number, record: Omit<KeyedRecord, "key" | "keyGroup">): boolean {
    if (!this.#store.hasRoom) return false;
    if (record.arrivalTime > this.processingTime && !this.#reach(record.arrivalTime)) return false;
    if (this.#logic.processBroadcast === undefined) {
      throw new Error(`A ${this.#kind} has no broadcast input, but a broadcast record came.`);
    }
    const noKey = new Uint8Array(0);
    this.#enter("broadcast", this.#keyGroups.first, noKey, record.timestamp, record.line);
    this.#context.hasKey = false;
    this.#states.isBroadcastWritable = true;
    try {
      this.#logic.processBroadcast(input, record.value, this.#context);
    } catch (error) {
      return this.#abandon(error);
    } finally {
      this.#context.hasKey = true;
      this.#states.isBroadcastWritable = false;
    }
    return this.#complete();
  }

  /**
   * Event time reaches `watermark`: timers up to it fire. A smaller one than before changes nothing.
   * Infinity is the end of the input, where every timer fires and no state expires.
   */
  advanceWatermark(watermark: number): boolean {
    if (watermark > this.#access.watermark) this.#access.watermark = watermark;
    const time = this.#access.watermark;
    if (time === -Infinity) return true;
    return this.#fireAll("event", time) && this.#fireAll("expiry", this.#access.expiryTime);
  }

  /**
   * The clock reaches `clock` while nothing is waiting to be applied: overdue processing-time timers
   * fire. A timer of time t fires once t has passed, as in Flink; the partition's time becomes t + 1.
   */
  advanceClock(clock: number): boolean {
    return this.#fireAll("processing", clock - 1);
  }

  /** When advanceClock next has something to do: Infinity for never, undefined when that must be fetched first. */
  nextClockTimer(): number | undefined {
    try {
      return this.#queues.processing.earliest() + 1;
    } catch (error) {
      return this.#abandon(error) ? Infinity : undefined;
    }
  }

  /** The result of a request. One that is not open any more (answered twice, or before a restore) is ignored. */
  applyResult(request: Omit<AsyncRequest, "record">, outcome: RequestOutcome): boolean {
    const { keyGroup, key, sequence } = request;
    if (!this.#requests.isOpen(requestId(keyGroup, key, sequence))) return true;
    if (!this.#store.hasRoom) return false;
    this.#enter("result", keyGroup, key, undefined);
    try {
      this.#logic.onResult!(sequence, outcome, this.#context);
    } catch (error) {
      return this.#abandon(error);
    }
    return this.#complete();
  }

  /** After a restore, before anything else: issues the requests of waiting records again [14]. */
  reissueRequests(): boolean {
    const { waiting } = this.#logic;
    if (waiting === undefined) return true;
    const stateId = this.#states.idOf(waiting.state);
    try {
      const found = readWaiting(this.#overlay, this.#keyGroups, stateId, waiting);
      this.#requests.restore(found);
      for (const { request, isAnswered } of found) if (!isAnswered) this.#output.request(request);
    } catch (error) {
      return this.#abandon(error);
    }
    return true;
  }

  /** The batch is over: updates are passed on, one for each key touched. */
  endBatch(): void {
    this.#emissions.endBatch((held) => void (this.#updating = held));
    this.#updating = undefined;
  }

  fetchMissing(): Promise<void> {
    return this.#store.fetchMissing();
  }

  /** Records, timers and results done. */
  get completed(): number {
    return this.#completed;
  }

  /**
   * Runs a record ahead of its turn and takes everything back, so that the store learns what it will read.
   * It gets no further than the one that was short of state last: after as many reads it ends. Only
   * between an answer of false and fetchMissing().
   */
  rehearse(input: number, record: KeyedRecord): void {
    this.#enter("record", record.keyGroup, record.key, record.timestamp);
    this.#rehearse(() => this.#logic.process(input, record.value, this.#context));
  }

  /** The same for the timers that are due beside the one that was short of state, at most `most`. Answers how many. */
  rehearseTimers(most: number): number {
    if (this.#due === undefined) return 0;
    const { domain, time } = this.#due;
    let rehearsed = 0;
    for (const key of this.#queues[domain].knownDue(time)) {
      if (rehearsed === most) break;
      rehearsed += 1;
      const timer = this.#enterTimer(domain, key);
      this.#rehearse(() => this.#runTimer(domain, timer));
    }
    return rehearsed;
  }

  #reach(arrivalTime: number): boolean {
    if (!this.#fireAll("processing", arrivalTime - 1)) return false;
    this.#moveProcessingTime(arrivalTime);
    return true;
  }

  #fireAll(domain: TimerDomain, time: number): boolean {
    const queue = this.#queues[domain];
    this.#due = undefined;
    for (;;) {
      if (!this.#store.hasRoom) return false;
      let due: Uint8Array | undefined;
      try {
        due = queue.nextDue(time);
      } catch (error) {
        this.#abandon(error);
        // Nothing is known of what comes next: it will read something.
        this.#readsOfMissed = 1;
        return false;
      }
      if (due === undefined) return true;
      if (domain === "processing") this.#moveProcessingTime(timestampOfTimerKey(due) + 1);
      if (!this.#fire(domain, due)) {
        this.#due = { domain, time };
        return false;
      }
    }
  }

  #fire(domain: TimerDomain, key: Uint8Array): boolean {
    const timer = this.#enterTimer(domain, key);
    this.#queues[domain].delete(key);
    try {
      this.#runTimer(domain, timer);
    } catch (error) {
      return this.#abandon(error);
    }
    return this.#complete();
  }

  #enterTimer(domain: TimerDomain, key: Uint8Array): Timer {
    const timer = parseTimerKey(key);
    this.#enter(
      "timer",
      timer.keyGroup,
      timer.key,
      domain === "event" ? timer.timestamp : undefined,
    );
    this.#context.timestamp = timer.timestamp;
    return timer;
  }

  #runTimer(domain: TimerDomain, timer: Timer): void {
    if (domain === "expiry") this.#removeExpired(timer.namespace);
    else this.#logic.onTimer?.({ ...timer, domain }, this.#context);
  }

  #rehearse(work: () => void): void {
    this.#overlay.mostReads = this.#readsOfMissed;
    try {
      work();
    } catch {
      // It was short of state, or met state that is not its own yet. What it throws in its turn counts.
    } finally {
      this.#overlay.mostReads = Infinity;
      this.#takeBack();
    }
  }

  #enter(
    doing: RunnerActivity["doing"],
    keyGroup: number,
    key: Uint8Array,
    timestamp: number | undefined,
    line?: number,
  ): void {
    this.#doing = doing;
    this.#line = line;
    this.#emissions.line = line;
    this.#access.setKey(keyGroup, key);
    this.#access.timestamp = timestamp;
    this.#context.timestamp = timestamp;
  }

  #complete(): boolean {
    if (this.#overlay.missed) return this.#abandon(notResident);
    for (const queue of [this.#queues.event, this.#queues.processing, this.#queues.expiry]) {
      queue.commit();
    }
    this.#overlay.commit();
    this.#emissions.commit();
    // Whatever throws next is not this record's doing.
    this.#line = undefined;
    this.#completed += 1;
    return true;
  }

  /** Forgets what the record has done. Answers false when it only needs state; otherwise throws. */
  #abandon(error: unknown): false {
    const { missed, reads } = this.#overlay;
    this.#takeBack();
    if (!missed) throw error;
    this.#readsOfMissed = reads;
    return false;
  }

  #takeBack(): void {
    this.#overlay.clear();
    this.#emissions.clear();
    for (const queue of Object.values(this.#queues)) queue.clear();
  }

  #moveProcessingTime(time: number): void {
    if (time <= this.#access.processingTime) return;
    this.#access.processingTime = time;
    this.#store.advanceTime(time);
  }

  /** Expiry timers carry the state's id in front of the namespace. */
  #scheduleExpiry(stateId: number, at: number): void {
    const { keyGroup, key, namespace } = this.#access;
    const tagged = new Uint8Array(2 + namespace.length);
    tagged[0] = stateId >> 8;
    tagged[1] = stateId;
    tagged.set(namespace, 2);
    const timer = { keyGroup, key, timestamp: at, namespace: tagged };
    this.#queues.expiry.register(timerKey("expiry", timer));
  }

  #removeExpired(tagged: Uint8Array): void {
    if (tagged.length > 2) this.#access.setNamespace(tagged.subarray(2));
    this.#states.handle((tagged[0]! << 8) | tagged[1]!)?.removeExpired();
  }
}
