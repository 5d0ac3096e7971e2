/**
 * Processing-time timers of a partition: they fire by the clock once nothing waits to be
 * applied, at once when they are overdue after a restore. The object's alarm stands at the earliest,
 * so that a partition without memory wakes up for it [26].
 *
 * Promise: while a timer is registered and does not fire right now, the alarm is set no later than its time.
 */
import type { ObjectContext } from "../object-context.ts";
import type { SharedAlarm } from "./shared-alarm.ts";
import type { VertexTask } from "./vertex-task.ts";

/** When a timer is overdue that may not fire yet: should memory be lost, somebody looks again. */
const CATCHING_UP_MS = 5_000;

export interface ClockTimersOptions {
  readonly context: Pick<ObjectContext, "environment">;
  readonly alarm: SharedAlarm;
  readonly clock: NonNullable<VertexTask["clock"]>;
  /** Whether everything older has been applied. */
  readonly mayFire: () => boolean;
  /** Runs `work` when nothing waits to be applied, and nothing beside it. */
  readonly run: (work: () => void | Promise<void>) => void;
  /** Timers have fired: the partition has changed without input. */
  readonly fired: () => void;
  /** What was due has fired, or may not yet. */
  readonly rested: () => void;
}

export class ClockTimers {
  readonly #options: ClockTimersOptions;
  #isScheduled = false;
  #isRunning = false;
  #isFetched = false;

  constructor(options: ClockTimersOptions) {
    this.#options = options;
    options.alarm.share(() => this.isWorking || options.clock.nextClockTimer() !== Infinity);
  }

  /** Whether timers are being looked up or fired. */
  get isWorking(): boolean {
    return this.#isScheduled || this.#isRunning;
  }

  /** Fires what is due, or sees to it that somebody asks again in time. */
  check(): void {
    const { alarm, clock, context, mayFire } = this.#options;
    if (this.#isScheduled) return;
    const next = clock.nextClockTimer();
    if (next === Infinity) return alarm.release();
    const now = context.environment.now();
    if (next === undefined) return this.#fetch();
    if (next > now) return alarm.ensureIn(next - now);
    if (mayFire()) return this.#work(() => this.#fire());
    alarm.ensureIn(CATCHING_UP_MS);
  }

  /** What the checkpoint holds may be overdue already, and its alarm gone. */
  #fetch(): void {
    if (!this.#isFetched) this.#options.alarm.ensureIn(CATCHING_UP_MS);
    this.#isFetched = true;
    this.#work(() => this.#options.clock.fetchMissing());
  }

  /** One turn of work at a time; looks again when it is done. */
  #work(work: () => void | Promise<void>): void {
    this.#isScheduled = true;
    this.#options.run(async () => {
      this.#isScheduled = false;
      this.#isRunning = true;
      await work();
      this.#isRunning = false;
      this.check();
      if (!this.isWorking) this.#options.rested();
    });
  }

  async #fire(): Promise<void> {
    const { clock, context, fired } = this.#options;
    await clock.advanceClock(context.environment.now());
    fired();
  }
}
