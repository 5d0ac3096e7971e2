/**
 * Processing-time timers of a partition: they fire by the object's clock once nothing waits to be
 * applied, at once when they are overdue after a restore. The object's alarm stands at the earliest,
 * so that a partition without memory wakes up for it [26].
 *
 * Promise: while a timer is registered and memory lasts, the alarm is set no later than its time.
 */
import type { ObjectContext } from "../object-context.ts";
import { ensureAlarm } from "./ensure-alarm.ts";
import type { OperationCounter } from "./operation-counter.ts";
import type { VertexTask } from "./vertex-task.ts";

/** When a timer is overdue that may not fire yet: should memory be lost, somebody looks again. */
const CATCHING_UP_MS = 5_000;

export interface ClockTimersOptions {
  readonly context: Pick<ObjectContext, "alarm" | "environment">;
  readonly counter: Pick<OperationCounter, "alarms">;
  readonly clock: NonNullable<VertexTask["clock"]>;
  /** Whether everything older has been applied. */
  readonly mayFire: () => boolean;
  /** Runs `work` when nothing waits to be applied, and nothing beside it. */
  readonly run: (work: () => void | Promise<void>) => void;
  /** Timers have fired: the partition has changed without input. */
  readonly fired: () => void;
}

export class ClockTimers {
  readonly #options: ClockTimersOptions;
  #isWaiting = false;

  constructor(options: ClockTimersOptions) {
    this.#options = options;
  }

  /** Fires what is due, or sees to it that somebody asks again in time. */
  check(): void {
    const { clock, context, mayFire } = this.#options;
    if (this.#isWaiting) return;
    const next = clock.nextClockTimer();
    if (next === Infinity) return;
    const now = context.environment.now();
    if (next === undefined) return this.#work(() => clock.fetchMissing());
    if (next > now) return this.#ensureAlarm(next);
    if (mayFire()) return this.#work(() => this.#fire());
    this.#ensureAlarm(now + CATCHING_UP_MS);
  }

  #ensureAlarm(time: number): void {
    const { context, counter } = this.#options;
    ensureAlarm(context, counter, time);
  }

  /** One turn of work at a time; looks again when it is done. */
  #work(work: () => void | Promise<void>): void {
    this.#isWaiting = true;
    this.#options.run(async () => {
      this.#isWaiting = false;
      await work();
      this.check();
    });
  }

  async #fire(): Promise<void> {
    const { clock, context, fired } = this.#options;
    await clock.advanceClock(context.environment.now());
    fired();
  }
}
