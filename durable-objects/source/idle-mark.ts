/**
 * Tells the receivers that this source is silent, so that it does not hold event time back for the
 * whole job [28]. In-band and for one end of the log: the next line takes it back.
 *
 * Only where it makes a difference: in a job with watermarks and other sources. The pump says it again
 * on channels that are opened anew; a source that has lost its memory finds out anew that it is silent.
 * A source with a feed of its own says it also when it never had a line, and at once when its feeds end.
 * Limit: a source that loses its memory before it was silent for long enough says it when it next wakes.
 */
import type { JobGraph } from "../../dataflow/job-graph.ts";
import { isFedEverywhere } from "../../dataflow/feeds/feed.ts";
import { isIdle } from "../../dataflow/time/watermark-progress.ts";
import type { ObjectContext, Timer } from "../object-context.ts";
import type { LogEnd } from "./log.ts";
import type { Pump } from "./pump.ts";

export interface IdleMarkOptions {
  readonly context: Pick<ObjectContext, "environment" | "setTimer">;
  readonly job: JobGraph;
  readonly end: () => LogEnd;
  /** Nothing more comes from the job's feeds: there is nothing to wait for. */
  readonly hasEnded: () => boolean;
  /** Absent while the job does not run. */
  readonly pump: () => Pick<Pump, "deliveredLine" | "markIdle"> | undefined;
}

/** Between two looks at a log that is not delivered yet. */
const LOOK_AGAIN_MS = 1_000;

export class IdleMark {
  readonly #options: IdleMarkOptions;
  /** Undefined: this source never marks itself idle. */
  readonly #idlenessMs: number | undefined;
  /** A source that is waited for is silent from the moment it could speak, be its log empty. */
  readonly #isAwaited: boolean;
  #timer: Timer | undefined;
  #watchedSince = Infinity;

  constructor(options: IdleMarkOptions) {
    const { source, options: jobOptions } = options.job;
    this.#options = options;
    this.#isAwaited = isFedEverywhere(options.job);
    this.#idlenessMs =
      source.watermarks.length === 0 || jobOptions.sources === 1
        ? undefined
        : Math.max(...source.watermarks.map(({ idlenessMs }) => idlenessMs));
  }

  /** Lines came in, or the channels were opened anew: waits for silence. */
  watch(): void {
    if (this.#idlenessMs === undefined || this.#timer !== undefined) return;
    const { context, end, hasEnded } = this.#options;
    if (end().line === 0 && !this.#isAwaited) return;
    const now = context.environment.now();
    this.#watchedSince = Math.min(this.#watchedSince, now);
    const leftMs = hasEnded() ? 0 : this.#idlenessMs - (now - this.#silentSince);
    this.#wait(Math.max(0, leftMs));
  }

  /** The last feed has ended: silence counts at once. */
  ended(): void {
    this.stop();
    this.watch();
  }

  get #silentSince(): number {
    const { line, arrivalTime } = this.#options.end();
    return line === 0 ? this.#watchedSince : arrivalTime;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #wait(delayMs: number): void {
    this.#timer = this.#options.context.setTimer(delayMs, () => {
      this.#timer = undefined;
      const { context, end, hasEnded, pump } = this.#options;
      const isSilent = isIdle(this.#silentSince, context.environment.now(), this.#idlenessMs!);
      if (!isSilent && !hasEnded()) this.watch();
      else if (pump()?.deliveredLine === end().line) pump()!.markIdle();
      else this.#wait(LOOK_AGAIN_MS);
    });
  }
}
