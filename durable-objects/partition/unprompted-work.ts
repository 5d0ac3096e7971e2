/**
 * What a partition does though nobody calls it: fires timers by the clock, lets in what requests came to,
 * and tells the coordinator of changes without input [14, 26].
 *
 * Promise: until the coordinator has heard of what was due, the object's alarm stands or its handler is
 * running, so that a loss of memory at any moment leaves somebody who wakes the partition for it [27].
 */
import type { AsyncRequest } from "../../dataflow/operators/keyed-operator.ts";
import type { Fence } from "../messages.ts";
import { AsyncTurns } from "./async-turns.ts";
import { ClockTimers } from "./clock-timers.ts";
import type { LiveOptions } from "./live-options.ts";
import { ChangeReporter } from "./report-change.ts";
import { SharedAlarm } from "./shared-alarm.ts";
import { Signal } from "./signal.ts";
import type { VertexTask } from "./vertex-task.ts";

export interface UnpromptedHost {
  readonly task: VertexTask;
  readonly fence: Fence;
  /** Whether everything older than a timer that is due has been applied. */
  readonly mayFire: () => boolean;
  /** Whether there is something to be checkpointed by this attempt. */
  readonly isWanted: () => boolean;
  /** Runs `work` when no frame or barrier can take a turn, and nothing beside it. */
  readonly run: (work: () => void | Promise<void>) => void;
  readonly changed: () => void;
}

/** How long the handler of an alarm waits for what was due; then another alarm looks after it. */
const HANDLER_MS = 5_000;

export class UnpromptedWork {
  readonly #options: LiveOptions;
  readonly #host: UnpromptedHost;
  readonly #alarm: SharedAlarm;
  readonly #clock: ClockTimers | undefined;
  /** Of an asynchronous operator. */
  readonly #turns: AsyncTurns | undefined;
  readonly #reporter: ChangeReporter;
  readonly #rested = new Signal();
  #isClosed = false;

  constructor(options: LiveOptions, host: UnpromptedHost) {
    const { context, counter } = options;
    const { fence, isWanted, mayFire, run, task } = host;
    this.#options = options;
    this.#host = host;
    this.#alarm = new SharedAlarm(context, counter);
    const alarm = this.#alarm;
    const rested = (): void => this.#restedAtLast();
    this.#reporter = new ChangeReporter({ ...options, fence, isWanted, told: rested });
    alarm.share(() => this.#isBusy);
    const fired = (): void => this.#changed();
    this.#clock =
      task.clock &&
      new ClockTimers({ context, alarm, clock: task.clock, mayFire, run, fired, rested });
    const changed = (change: { readonly isUrgent: boolean }): void => this.#changed(change);
    this.#turns = AsyncTurns.of(options, task.answers, { run, changed, alarm });
  }

  /** An alarm of the time without memory stands until it is known whether anyone needs it. */
  begin(): void {
    this.#clock?.check();
    this.#turns?.begin();
    this.#alarm.release();
  }

  start(request: AsyncRequest): void {
    this.#turns!.start(request);
  }

  /** Something was applied: timers may be due, or may fire now. */
  progressed(): void {
    this.#clock?.check();
  }

  /** Silence may have moved event time, and fired timers, where no source moves. */
  fellSilent(): void {
    this.#reporter.changed();
  }

  aligned(checkpoint: number): void {
    this.#turns?.aligned(checkpoint);
  }

  completed(checkpoint: number): void {
    this.#turns?.completed(checkpoint);
  }

  /**
   * The alarm is due: timers by the clock may be, or requests that nobody waits for. Resolves when they have
   * fired and the coordinator knows: the platform repeats an alarm whose handler lost its memory.
   */
  async alarm(): Promise<void> {
    this.#clock?.check();
    this.#turns?.alarm();
    if (!this.#isBusy) return;
    await this.#rested.wait(this.#options.context, HANDLER_MS);
    if (this.#isBusy) this.#alarm.ensureIn(HANDLER_MS);
  }

  close(): void {
    this.#isClosed = true;
    this.#alarm.close();
    this.#turns?.close();
    this.#rested.raise();
  }

  get #isBusy(): boolean {
    if (this.#isClosed) return false;
    return this.#reporter.isTelling || this.#clock?.isWorking === true;
  }

  #restedAtLast(): void {
    if (this.#isClosed || this.#isBusy) return;
    this.#alarm.release();
    this.#rested.raise();
  }

  #changed({ isUrgent = false } = {}): void {
    const comesByItself = this.#options.job.options.checkpoint.intervalMs > 0;
    this.#host.changed();
    this.#reporter.changed({ isUrgent: isUrgent && !comesByItself });
  }
}
