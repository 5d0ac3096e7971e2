/**
 * An ObjectContext for unit tests in Node: real SQL, real codecs, a clock the test moves, seeded ids.
 *
 *   const context = createNodeObjectContext({ peers });
 *   const task = new SourceTask(context, job, 0);
 *   context.onAlarm = () => task.alarm();
 *   await context.clock.advance(1_000);        // timers and the alarm that fall due run
 *   const next = context.restart();            // memory lost, storage kept: hand it to a new task
 *
 * The test fails at its end if an error was reported and not taken with takeErrors(). Faults and
 * schedules are not its business: test/simulation has those.
 */
import { onTestFinished } from "vitest";
import type { BlobStore } from "../../state-engine/blob-store/blob-store.ts";
import type { Environment } from "../../state-engine/environment.ts";
import type { Alarm, ObjectContext, Peers, Timer } from "../../durable-objects/object-context.ts";
import { drainMicrotasks, ManualClock, type ScheduledCallback } from "./manual-clock.ts";
import { createNodeEnvironment } from "./node-environment.ts";
import { NodeStorage } from "./node-storage.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface NodeObjectContextOptions {
  readonly storage?: NodeStorage;
  /** Share one among the contexts of a test that has several objects. */
  readonly clock?: ManualClock;
  readonly random?: SeededRandom;
  readonly environment?: Environment;
  /** Default: every access throws, saying so. */
  readonly blobStore?: BlobStore;
  /** Default: every call throws, saying so. */
  readonly peers?: Peers;
  /** Default: "test". */
  readonly codeVersion?: string;
}

export interface ReportedError {
  readonly error: unknown;
  readonly doing: string;
}

export function createNodeObjectContext(options: NodeObjectContextOptions = {}): NodeObjectContext {
  const context = new NodeObjectContext(options);
  onTestFinished(() => context.failOnReportedErrors());
  return context;
}

export class NodeObjectContext implements ObjectContext {
  readonly storage: NodeStorage;
  readonly sql: NodeStorage;
  readonly clock: ManualClock;
  readonly alarm: Alarm;
  readonly environment: Environment;
  readonly blobStore: BlobStore;
  readonly peers: Peers;
  readonly codeVersion: string;
  /** What the platform does when the alarm falls due. */
  onAlarm: (() => Promise<void>) | undefined;
  /** Called with the name of each crash point passed; throw from it to end the step there. */
  onCrashPoint: ((name: string) => void) | undefined;

  readonly #options: NodeObjectContextOptions;
  readonly #work = new Set<Promise<void>>();
  readonly #timers = new Set<ScheduledCallback>();
  #errors: ReportedError[] = [];
  #scheduledAlarm: ScheduledCallback | undefined;

  constructor(options: NodeObjectContextOptions = {}) {
    this.#options = options;
    this.storage = options.storage ?? new NodeStorage();
    this.sql = this.storage;
    this.clock = options.clock ?? new ManualClock();
    this.environment =
      options.environment ??
      createNodeEnvironment({
        now: () => this.clock.now(),
        random: options.random ?? new SeededRandom(1),
      });
    this.blobStore = options.blobStore ?? absent("blobStore");
    this.peers = options.peers ?? absent("peers");
    this.codeVersion = options.codeVersion ?? "test";
    this.alarm = {
      get: () => this.storage.alarmTime,
      set: (time) => this.#setAlarm(time),
      clear: () => this.#setAlarm(undefined),
    };
    this.#scheduleAlarm();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = this.clock.schedule(this.clock.now() + delayMs, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
    return { cancel: () => this.#cancelTimer(timer) };
  }

  keepAlive(work: Promise<void>): void {
    const settled = work.then(
      () => void this.#work.delete(settled),
      (error: unknown) => {
        this.#work.delete(settled);
        this.reportError(error, "running work given to keepAlive, which must not reject");
      },
    );
    this.#work.add(settled);
  }

  reportError(error: unknown, doing: string): void {
    this.#errors.push({ error, doing });
  }

  crashPoint(name: string): void {
    this.onCrashPoint?.(name);
  }

  /** Timers set and neither run nor cancelled. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Resolves when no work given to keepAlive is left. The clock stands still meanwhile. */
  async idle(): Promise<void> {
    await drainMicrotasks();
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** The errors reported so far; they no longer fail the test. */
  takeErrors(): readonly ReportedError[] {
    const errors = this.#errors;
    this.#errors = [];
    return errors;
  }

  failOnReportedErrors(): void {
    const [first] = this.#errors;
    if (first === undefined) return;
    throw new Error(`An object reported an error while ${first.doing}.`, { cause: first.error });
  }

  /** The object loses its memory: its timers are gone, its storage and alarm stay with the new context. */
  restart(options: NodeObjectContextOptions = {}): NodeObjectContext {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#scheduledAlarm?.cancel();
    return createNodeObjectContext({
      ...this.#options,
      environment: this.environment,
      clock: this.clock,
      storage: this.storage,
      ...options,
    });
  }

  #cancelTimer(timer: ScheduledCallback): void {
    this.#timers.delete(timer);
    timer.cancel();
  }

  #setAlarm(time: number | undefined): void {
    this.storage.alarmTime = time;
    this.#scheduleAlarm();
  }

  #scheduleAlarm(): void {
    this.#scheduledAlarm?.cancel();
    const time = this.storage.alarmTime;
    if (time === undefined) return;
    this.#scheduledAlarm = this.clock.schedule(time, () => this.#runAlarm(time));
  }

  #runAlarm(time: number): void {
    // A transaction that rolled back may have taken the alarm back.
    if (this.storage.alarmTime !== time) return this.#scheduleAlarm();
    this.storage.alarmTime = undefined;
    if (this.onAlarm === undefined) {
      throw new Error("The alarm fell due and the test gave no onAlarm to run.");
    }
    this.keepAlive(this.onAlarm());
  }
}

/** Something the test did not provide: using it is an error that names it. */
function absent(name: string): never {
  return new Proxy({} as never, {
    get(_target, property) {
      throw new Error(`The test gave no ${name}, and ${String(property)} of it was used.`);
    },
  });
}
