/**
 * Appends the segments of one request to one source, several under way at once.
 *
 * Promise: segments are sent in order and their answers judged in order: the first refusal decides
 * the outcome. A call whose outcome is unknown is repeated only for a producer with a sequence, which
 * makes the repeat harmless; a segment that overtook its predecessor waits for it and is sent again [11].
 */
import type { AppendAnswer, AppendRequest, SourceCalls } from "../../durable-objects/messages.ts";
import type { Segment } from "./body-segments.ts";

export interface Producer {
  readonly id: string;
  readonly sequence: number;
}

export type Refusal = Exclude<AppendAnswer, { kind: "appended" | "duplicate" | "lineGap" }>;

export interface AppendOutcome {
  /** Lines this request added. */
  readonly accepted: number;
  /** Every segment was in from a request with the same sequence that was answered before. */
  readonly duplicate: boolean;
  /** Absent: all lines are durable. "unreachable": nobody knows whether the segment is in. */
  readonly refusal?: Refusal | { readonly kind: "unreachable"; readonly cause: unknown };
}

type SegmentResult = { readonly answer: AppendAnswer } | { readonly cause: unknown };

const IN_FLIGHT = 4;
const ATTEMPTS = 4;
const RETRY_DELAY_MS = 50;

export class SegmentAppender {
  readonly #source: SourceCalls;
  readonly #producer: Producer | undefined;
  /** Not judged yet, oldest first. */
  readonly #inFlight: Promise<SegmentResult>[] = [];
  #previous: Promise<SegmentResult> | undefined;
  #accepted = 0;
  #appended = 0;
  #duplicates = 0;
  #refusal: AppendOutcome["refusal"];

  constructor(source: SourceCalls, producer: Producer | undefined) {
    this.#source = source;
    this.#producer = producer;
  }

  /** Answers false when a segment was refused: sending more is pointless. */
  async append(segment: Segment): Promise<boolean> {
    if (this.#inFlight.length === IN_FLIGHT) await this.#judgeOldest();
    if (this.#refusal !== undefined) return false;
    // The end of an anonymous request without lines changes nothing.
    if (segment.lines === 0 && this.#producer === undefined) return true;
    const sent = this.#send(segment, this.#previous);
    this.#previous = sent;
    this.#inFlight.push(sent);
    return true;
  }

  /** Waits for everything under way. */
  async finish(): Promise<AppendOutcome> {
    while (this.#inFlight.length > 0) await this.#judgeOldest();
    return {
      accepted: this.#accepted,
      duplicate: this.#duplicates > 0 && this.#appended === 0,
      ...(this.#refusal && { refusal: this.#refusal }),
    };
  }

  async #judgeOldest(): Promise<void> {
    const result = await this.#inFlight.shift()!;
    if ("cause" in result) {
      this.#refusal ??= { kind: "unreachable", cause: result.cause };
      return;
    }
    const { answer } = result;
    if (answer.kind === "appended") {
      this.#accepted += answer.added;
      this.#appended++;
    } else if (answer.kind === "duplicate") {
      this.#duplicates++;
    } else if (answer.kind === "lineGap") {
      const cause = new Error(`Lines from ${answer.linesIn} on are missing before this segment.`);
      this.#refusal ??= { kind: "unreachable", cause };
    } else {
      this.#refusal ??= answer;
    }
  }

  async #send(
    segment: Segment,
    previous: Promise<SegmentResult> | undefined,
  ): Promise<SegmentResult> {
    const request: AppendRequest = {
      ...segment,
      ...(this.#producer && { producer: this.#producer }),
    };
    for (let attempt = 1; ; attempt++) {
      const result = await this.#appendOnce(request);
      const isLate = "answer" in result && result.answer.kind === "lineGap";
      const isUnknown = "cause" in result && this.#producer !== undefined;
      if (!(isLate || isUnknown) || attempt === ATTEMPTS) return result;
      // Only after its predecessor can this one succeed; without it, the predecessor's fate decides.
      const before = await previous;
      if (before !== undefined && !isIn(before)) return result;
      if (isUnknown) await scheduler.wait(RETRY_DELAY_MS * attempt);
    }
  }

  async #appendOnce(request: AppendRequest): Promise<SegmentResult> {
    try {
      return { answer: await this.#source.append(request) };
    } catch (cause) {
      return { cause };
    }
  }
}

function isIn(result: SegmentResult): boolean {
  return (
    "answer" in result && (result.answer.kind === "appended" || result.answer.kind === "duplicate")
  );
}
