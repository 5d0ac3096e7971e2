/**
 * How a partition without memory gets one: it asks the coordinator for its attempt and the checkpoint
 * to restore, as often as it takes [3].
 *
 * Promise: one question at a time; what an earlier attempt uploaded and the coordinator does not know
 * is deleted after the answer, never before [3, 10]. No handler waits in here for a call to another
 * task, and attach itself calls nobody, so nothing waits in a circle [23].
 */
import type { InFlightFrame } from "../../dataflow/in-flight-frames.ts";
import { StateEngineError } from "../../state-engine/index.ts";
import type { ObjectContext, Timer } from "../object-context.ts";
import type { AttachPartitionAnswer, JobStatus, TaskId } from "../messages.ts";
import { readInFlight } from "./in-flight.ts";
import type { OperationCounter } from "./operation-counter.ts";
import type { UploadNotes } from "./schema.ts";

export type Attached = Extract<AttachPartitionAnswer, { kind: "attached" }>;

export interface AttachmentOptions {
  readonly context: ObjectContext;
  readonly task: TaskId;
  /** R2 binding that `context.blobStore` is of. */
  readonly bucket: string;
  readonly notes: UploadNotes;
  readonly counter: OperationCounter;
  /**
   * Restores, with the frames the checkpoint holds in flight; the alarm is no longer needed for
   * attaching. Must not throw.
   */
  readonly attached: (answer: Attached, inFlight: readonly InFlightFrame[]) => void;
  /** Those frames are damaged. Must not throw. */
  readonly unreadable: (answer: Attached, error: unknown) => void;
  /** There will be no memory before a while. */
  readonly postponed: () => void;
}

/** Between two questions that were not answered. */
const RETRY_MS = 1_000;
/** The alarm comes after the timer that does the same while memory lasts. */
const ALARM_SLACK_MS = 1_000;
/** The alarm that stands while an alarm's own question is under way [27]. */
const GUARD_ALARM_MS = 60_000;
/** Questions without an answer after which someone should look. */
const FAILURES_BEFORE_REPORT = 10;

export class Attachment {
  readonly #options: AttachmentOptions;
  #running: Promise<void> | undefined;
  #timer: Timer | undefined;
  /** No question before this time. */
  #notBefore = -Infinity;
  #newestGeneration = 0;
  #failures = 0;
  /** Work of earlier attempts that may still be writing objects it noted. */
  #earlierWork: Promise<unknown> = Promise.resolve();
  #report: Promise<void> = Promise.resolve();

  constructor(options: AttachmentOptions) {
    this.#options = options;
  }

  /** Milliseconds until it is worth asking this object again. */
  get retryAfterMs(): number {
    const { context } = this.#options;
    return Math.max(50, Math.min(this.#notBefore - context.environment.now(), 60_000));
  }

  /** Whether a question is under way. */
  get isAsking(): boolean {
    return this.#running !== undefined;
  }

  /** Whether the next question waits for its time. */
  get isWaiting(): boolean {
    return this.#running === undefined && this.#timer !== undefined;
  }

  /** Asks; later, when its time has not come; not at all when a question is under way. */
  begin(): void {
    const { context } = this.#options;
    if (this.#running !== undefined) return;
    const waitMs = this.#notBefore - context.environment.now();
    if (waitMs > 0) return this.#setTimer(waitMs);
    this.#timer?.cancel();
    this.#timer = undefined;
    const running = this.#ask()
      .catch((error: unknown) => context.reportError(error, "attaching a partition"))
      .finally(() => {
        if (this.#running === running) this.#running = undefined;
      });
    this.#running = running;
    context.keepAlive(running);
  }

  /** A newer generation exists: an answer of an older one does not count, and waiting is over. */
  expect(generation: number): void {
    if (generation <= this.#newestGeneration) return;
    this.#newestGeneration = generation;
    this.#notBefore = -Infinity;
  }

  /** An attempt is over, and `work` is what it may still be writing: nothing is deleted before that ends. */
  lost(work: Promise<unknown>): void {
    this.#earlierWork = Promise.allSettled([this.#earlierWork, work]);
  }

  /** The coordinator should hear of a failure before it is asked what to restore. Must not reject. */
  askAfter(report: Promise<void>): void {
    this.#report = report;
  }

  /**
   * Asking sooner would be in vain. Then it asks though nobody calls, by an alarm if memory is lost meanwhile:
   * timers, answers and frames of the checkpoint are work that no channel brings again.
   */
  askAgain(pauseMs: number): void {
    this.#later(pauseMs, "RUNNING");
  }

  /** The alarm is due: memory was lost while waiting, or the timer comes in a moment. */
  async alarm(): Promise<void> {
    this.#setAlarm(GUARD_ALARM_MS);
    this.#notBefore = -Infinity;
    this.begin();
    await this.#running;
  }

  clearAlarm(): void {
    const { context, counter } = this.#options;
    if (context.alarm.get() === undefined) return;
    context.alarm.clear();
    counter.alarms += 1;
  }

  async #ask(): Promise<void> {
    const { context, task, counter } = this.#options;
    await this.#report;
    let answer: AttachPartitionAnswer;
    try {
      counter.requests += 1;
      context.crashPoint("partition: before attach");
      answer = await context.peers
        .coordinator()
        .attachPartition({ task, codeVersion: context.codeVersion });
      context.crashPoint("partition: after attach");
    } catch (error) {
      // A lost call is asked again; only a coordinator that never answers is news.
      this.#failures += 1;
      if (this.#failures % FAILURES_BEFORE_REPORT === 0) {
        context.reportError(error, "asking the coordinator what to restore");
      }
      return this.#later(RETRY_MS, "RUNNING");
    }
    this.#failures = 0;
    if (answer.kind === "wait") return this.#later(answer.retryAfterMs, answer.status);
    // This task runs what a deploy is bringing, and the coordinator does not yet: it will fail the job.
    if ((answer.bucket ?? "BUCKET") !== this.#options.bucket) {
      return this.#later(RETRY_MS, "RUNNING");
    }
    if (answer.generation < this.#newestGeneration) return this.#later(RETRY_MS, "RUNNING");
    this.#newestGeneration = answer.generation;
    this.#removeUnknownUploads(answer.knownUploads);
    const { inFlight } = answer.restored;
    if (inFlight === undefined) return this.#options.attached(answer, []);
    let frames: readonly InFlightFrame[];
    try {
      frames = await readInFlight(inFlight, counter.blobStore, context.environment);
    } catch (error) {
      if (error instanceof StateEngineError && error.kind === "unavailable") {
        return this.#later(RETRY_MS, "RUNNING");
      }
      return this.#options.unreadable(answer, error);
    }
    // A newer generation may have begun meanwhile: what it restores is asked anew.
    if (answer.generation < this.#newestGeneration) return this.#later(0, "RUNNING");
    this.#options.attached(answer, frames);
  }

  #later(delayMs: number, status: JobStatus): void {
    const { context } = this.#options;
    this.#notBefore = context.environment.now() + delayMs;
    this.#options.postponed();
    // Whoever starts a job that has ended tells its tasks.
    if (status !== "RUNNING" && status !== "RESTARTING") return this.clearAlarm();
    this.#setAlarm(delayMs + ALARM_SLACK_MS);
    this.#setTimer(delayMs);
  }

  #setTimer(delayMs: number): void {
    this.#timer ??= this.#options.context.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.begin();
    });
  }

  #setAlarm(delayMs: number): void {
    const { context, counter } = this.#options;
    context.alarm.set(context.environment.now() + delayMs);
    counter.alarms += 1;
  }

  /** The notes are read now: what the new attempt writes is not among them. */
  #removeUnknownUploads(knownUploads: readonly string[]): void {
    const { context, notes, counter } = this.#options;
    const known = new Set(knownUploads);
    const noted = notes.list();
    notes.forget(noted.filter((path) => known.has(path)));
    const unknown = noted.filter((path) => !known.has(path));
    if (unknown.length === 0) return;
    const remove = async (): Promise<void> => {
      // A PUT that lands after its DELETE would stay for ever.
      await this.#earlierWork;
      try {
        await counter.blobStore.delete(unknown);
      } catch {
        // They stay noted, and the next attach tries again.
        return;
      }
      notes.forget(unknown);
    };
    context.keepAlive(remove());
  }
}
