/**
 * Tells the coordinator that the log holds lines no completed checkpoint covers: when the first one
 * comes, when input has fallen silent, when the log is half full [22, 25, 27]. A lost report is made
 * up for by the source's alarm.
 *
 * Limit: input counts as silent 2 s after the last append.
 */
import type { ChangeReason, SourceReport } from "../messages.ts";
import type { ObjectContext, Timer } from "../object-context.ts";
import type { OperationCounter } from "./operations.ts";

export const silenceMs = 2_000;

/** What the reporter has to know of its source. */
export interface ReporterSource {
  /** Lines of the log that no completed checkpoint covers. */
  readonly hasUncovered: boolean;
  /** Every line is cut for every channel. */
  readonly isProcessed: boolean;
  readonly isHalfFull: boolean;
  /** Attached, so that the coordinator knows this source in its generation. */
  readonly canReport: boolean;
  report(): SourceReport;
  /** The coordinator has heard whether the input has ended. */
  toldEnd(hasEnded: boolean): void;
}

export class Reporter {
  readonly #context: ObjectContext;
  readonly #operations: OperationCounter;
  readonly #source: ReporterSource;
  #saidInput = false;
  #saidHalfFull = false;
  #lastAppend = -Infinity;
  #silence: Timer | undefined;

  constructor(context: ObjectContext, operations: OperationCounter, source: ReporterSource) {
    this.#context = context;
    this.#operations = operations;
    this.#source = source;
  }

  /** Lines came in. */
  appended(): void {
    this.#lastAppend = this.#context.environment.now();
    this.check();
  }

  /** Says what has to be said and was not yet; waits for silence when there is something to wait for. */
  check(): void {
    const source = this.#source;
    if (!source.canReport || !source.hasUncovered) return;
    if (!this.#saidInput) {
      this.#saidInput = true;
      this.#send("input");
    }
    if (source.isHalfFull && !this.#saidHalfFull) {
      this.#saidHalfFull = true;
      this.#send("halfFull");
    }
    this.#waitForSilence();
  }

  /** A checkpoint completed or the job began anew: what was said before holds no longer. */
  startOver(): void {
    this.#saidInput = false;
    this.#saidHalfFull = false;
    this.check();
  }

  /** A feed ended, or people want to see how it is. */
  feedsChanged(): void {
    this.#send("feeds");
  }

  stop(): void {
    this.#silence?.cancel();
    this.#silence = undefined;
  }

  #waitForSilence(): void {
    if (this.#silence !== undefined) return;
    const sinceAppend = this.#context.environment.now() - this.#lastAppend;
    // Still at work after the silence: looked at again later.
    const delayMs = sinceAppend >= silenceMs ? silenceMs : silenceMs - sinceAppend;
    this.#silence = this.#context.setTimer(delayMs, () => {
      this.#silence = undefined;
      if (!this.#source.canReport || !this.#source.hasUncovered) return;
      const isSilent = this.#context.environment.now() - this.#lastAppend >= silenceMs;
      if (isSilent && this.#source.isProcessed) this.#send("silent");
      else this.#waitForSilence();
    });
  }

  #send(reason: ChangeReason): void {
    this.#operations.addRequest();
    this.#context.keepAlive(this.#call(reason));
  }

  async #call(reason: ChangeReason): Promise<void> {
    try {
      const report = this.#source.report();
      await this.#context.peers.coordinator().sourceChanged({ report, reason });
      if (report.hasEnded !== undefined) this.#source.toldEnd(report.hasEnded);
    } catch {
      // The alarm says it again for as long as lines are uncovered.
    }
  }
}
