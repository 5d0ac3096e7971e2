/**
 * Runs one feed while its job runs: step by step, each into the log in one transaction with its
 * progress. Waits for room in the log, for its time, or for whatever did not answer.
 *
 * Promise: one step at a time; nothing of a run that was stopped enters the log. What is lost with the
 * memory is read again from the durable progress.
 */
import type { ObjectContext, Timer } from "../../object-context.ts";
import type { Appender } from "../appender.ts";
import { NotAnswered } from "./feed-reader.ts";
import type { FeedReader, FeedStep } from "./feed-reader.ts";
import type { FeedRow, FeedRows } from "./feed-rows.ts";

/** Work of one invocation, shared by the feeds of a source [32]. */
export interface Slice {
  left: number;
}

export interface FeedRunOptions {
  readonly context: ObjectContext;
  readonly name: string;
  readonly rows: FeedRows;
  readonly appender: Pick<Appender, "appendFed">;
  readonly slice: Slice;
  readonly open: (progress: object | undefined) => FeedReader;
  readonly events: FeedEvents;
}

export interface FeedEvents {
  appended(): void;
  /** It ended, began to fail, or got well again: people want to see it. */
  changed(): void;
  /** The time it wants to be woken at has changed. */
  waits(): void;
  sliceUsedUp(): void;
  failed(error: unknown): void;
}

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;
/** Shorter waits keep the object in memory, longer ones are left to the alarm. */
const longestTimerMs = 8_000;

export class FeedRun {
  readonly #options: FeedRunOptions;
  #row: FeedRow;
  readonly #reader: FeedReader;
  /** Read and not yet in the log. */
  #step: FeedStep | undefined;
  #isRunning = false;
  #isStopped = false;
  #waitUntil = -Infinity;
  #timer: Timer | undefined;
  #retryMs = firstRetryMs;
  #error: string | undefined;

  constructor(options: FeedRunOptions) {
    this.#options = options;
    this.#row = options.rows.read(options.name);
    this.#reader = options.open(this.#row.progress);
  }

  get name(): string {
    return this.#options.name;
  }

  get hasEnded(): boolean {
    return this.#row.hasEnded;
  }

  /** When it has to be woken at the latest; undefined once it has ended. */
  get wakeAt(): number | undefined {
    return this.hasEnded ? undefined : this.#waitUntil;
  }

  describe(): Readonly<Record<string, string | number | boolean | null>> {
    const { hasEnded, lines } = this.#row;
    const error = this.#error ?? null;
    return { name: this.name, hasEnded, lines, ...this.#reader.describe(), error };
  }

  /** Goes on, if it is its time. */
  go(): void {
    if (this.#isStopped || this.#isRunning || this.hasEnded) return;
    const { context } = this.#options;
    const waitMs = this.#waitUntil - context.environment.now();
    if (waitMs > 0) return this.#wait(waitMs);
    this.#isRunning = true;
    context.keepAlive(this.#run());
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#reader.close();
  }

  async #run(): Promise<void> {
    const { events, slice } = this.#options;
    try {
      while (this.#isOpen && slice.left > 0) {
        if (!(await this.#advance())) return;
      }
      if (this.#isOpen) events.sliceUsedUp();
    } catch (error) {
      if (!this.#isStopped) events.failed(error);
    } finally {
      this.#isRunning = false;
    }
  }

  get #isOpen(): boolean {
    return !this.#isStopped && !this.hasEnded;
  }

  /** One step; false when there is nothing to do now. */
  async #advance(): Promise<boolean> {
    const { events, slice } = this.#options;
    this.#step ??= await this.#read();
    const step = this.#step;
    if (this.#isStopped || step === undefined) return false;
    if (!this.#commit(step)) return false;
    this.#step = undefined;
    slice.left -= step.cost;
    if (step.segments.length > 0) events.appended();
    if (step.next === "again") return true;
    if (step.next === "end") events.changed();
    else this.#waitFor(step.next.waitUntil);
    return false;
  }

  /** Undefined when something outside did not answer: it is asked again after a pause. */
  async #read(): Promise<FeedStep | undefined> {
    const { context, events } = this.#options;
    let step: FeedStep;
    try {
      step = await this.#reader.next();
    } catch (error) {
      if (this.#isStopped) return undefined;
      if (!(error instanceof NotAnswered)) throw error;
      const isNews = this.#error !== error.message;
      this.#error = error.message;
      this.#waitFor(context.environment.now() + this.#retryMs);
      this.#retryMs = Math.min(longestRetryMs, this.#retryMs * 2);
      if (isNews) events.changed();
      return undefined;
    }
    if (this.#isStopped || this.#error === undefined) return step;
    this.#error = undefined;
    this.#retryMs = firstRetryMs;
    events.changed();
    return step;
  }

  /** False when the log has no room: told by go() when it may have. */
  #commit({ alsoWrite, progress, segments, next }: FeedStep): boolean {
    const { appender, context, rows } = this.#options;
    const hasEnded = next === "end";
    if (segments.length === 0 && progress === undefined && !hasEnded) return true;
    const lines = segments.reduce((sum, segment) => sum + segment.lines, this.#row.lines);
    const row: FeedRow = { hasEnded, lines, progress: progress ?? this.#row.progress };
    context.crashPoint("source: before feed step");
    const outcome = appender.appendFed(segments, () => {
      rows.write(this.name, row);
      return 1 + (alsoWrite?.(context.sql) ?? 0);
    });
    context.crashPoint("source: after feed step");
    if (outcome === "full") return false;
    this.#row = row;
    return true;
  }

  #waitFor(time: number): void {
    this.#waitUntil = time;
    this.#wait(time - this.#options.context.environment.now());
    this.#options.events.waits();
  }

  #wait(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (delayMs > longestTimerMs) return;
    this.#timer = this.#options.context.setTimer(Math.max(0, delayMs), () => this.go());
  }
}
