/**
 * Asks a URL or a function once for each tick. The answer and the number of its tick enter the log
 * together, so a tick whose answer was lost with the memory is asked for again, and never counted twice.
 *
 * Ticks stand at whole multiples of the period from the first one. Only the latest tick that is due is
 * asked for; those before it that nobody asked for are left out.
 */
import type { Poll } from "../../../dataflow/feeds/feed.ts";
import type { Inputs } from "../../inputs.ts";
import { lineOf, segmentsOfText } from "../../lines/segments-of-text.ts";
import type { ObjectContext } from "../../object-context.ts";
import { NotAnswered } from "./feed-reader.ts";
import type { FeedReader, FeedStep } from "./feed-reader.ts";

export interface PollReaderOptions {
  readonly feed: Poll;
  readonly context: Pick<ObjectContext, "environment" | "setTimer">;
  readonly inputs: Inputs;
  /** An answer above this can never enter the log as a whole. */
  readonly answerLimitBytes: number;
  readonly progress: object | undefined;
}

interface Progress {
  /** When tick 0 was due, ms since the epoch. */
  readonly startedAt: number;
  /** The latest tick whose answer is in the log; -1 for none. */
  readonly tick: number;
}

const longestRequestMs = 60_000;

export class PollReader implements FeedReader {
  readonly #options: PollReaderOptions;
  #progress: Progress | undefined;

  constructor(options: PollReaderOptions) {
    this.#options = options;
    this.#progress = options.progress as Progress | undefined;
  }

  async next(): Promise<FeedStep> {
    const { context, feed, inputs } = this.#options;
    const now = context.environment.now();
    if (this.#progress === undefined) {
      // Durable before the first request, so that ticks have their times whatever happens next.
      this.#progress = { startedAt: now, tick: -1 };
      return { segments: [], progress: this.#progress, cost: 0, next: "again" };
    }
    const { startedAt, tick } = this.#progress;
    const due = Math.floor((now - startedAt) / feed.everyMs);
    if (due <= tick) {
      const waitUntil = startedAt + (tick + 1) * feed.everyMs;
      return { segments: [], cost: 0, next: { waitUntil } };
    }
    const body = await this.#ask(due, startedAt + due * feed.everyMs);
    const segments = segmentsOfText(body, inputs.isUtf8);
    this.#progress = { startedAt, tick: due };
    return { segments, progress: this.#progress, cost: body.length, next: "again" };
  }

  describe(): Readonly<Record<string, number | null>> {
    const tick = this.#progress?.tick ?? -1;
    return { tick: tick < 0 ? null : tick };
  }

  close(): void {}

  async #ask(tick: number, scheduledAt: number): Promise<Uint8Array> {
    const { answerLimitBytes, feed } = this.#options;
    try {
      const body = await this.#inTime(this.#answer(tick, scheduledAt));
      if (body.length <= answerLimitBytes) return body;
      throw new Error(
        `The answer has ${body.length} bytes, more than the ${answerLimitBytes} allowed.`,
      );
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new NotAnswered(`Tick ${tick} of feed "${feed.name}" failed: ${reason}`, {
        cause: error,
      });
    }
  }

  async #answer(tick: number, scheduledAt: number): Promise<Uint8Array> {
    const { answerLimitBytes, feed, inputs } = this.#options;
    const { request } = feed;
    if (typeof request === "string") return await inputs.fetchBody(request, answerLimitBytes);
    const answer = await request({ tick, scheduledAt, bindings: inputs.bindings });
    const text = typeof answer === "string" ? answer : answer.map(lineOf).join("\n");
    return new TextEncoder().encode(text);
  }

  async #inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const { promise: tooLate, reject } = Promise.withResolvers<never>();
    const timer = this.#options.context.setTimer(longestRequestMs, () =>
      reject(new Error(`There was no answer within ${longestRequestMs} ms.`)),
    );
    try {
      return await Promise.race([answer, tooLate]);
    } finally {
      timer.cancel();
    }
  }
}
