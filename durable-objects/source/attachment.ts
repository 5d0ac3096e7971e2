/**
 * Asks the coordinator for a generation to act in, until there is one. One question at a time; a
 * coordinator that says "wait", or cannot be reached, is asked again later.
 */
import type { AttachSourceAnswer, JobStatus } from "../messages.ts";
import type { ObjectContext, Timer } from "../object-context.ts";
import type { OperationCounter } from "./operations.ts";

export type Attached = Extract<AttachSourceAnswer, { kind: "attached" }>;

export interface AttachmentOptions {
  readonly context: ObjectContext;
  readonly operations: OperationCounter;
  readonly source: number;
  readonly onAttached: (answer: Attached) => void;
  /** The job has this status and gives no generation now. Answers whether to go on asking. */
  readonly onWait: (status: JobStatus) => boolean;
}

const firstBackoffMs = 50;
const maxBackoffMs = 2_000;

export class Attachment {
  readonly #options: AttachmentOptions;
  #isAsking = false;
  #timer: Timer | undefined;
  #backoffMs = firstBackoffMs;
  #newest = 0;
  /** Raised to make the answer under way out of date. */
  #round = 0;

  constructor(options: AttachmentOptions) {
    this.#options = options;
  }

  /** The newest generation heard of: answers of earlier ones are out of date. */
  get newest(): number {
    return this.#newest;
  }

  /** Asks now, unless a question is out already. `generation`: the least that will do. */
  ask(generation = 0): void {
    this.#newest = Math.max(this.#newest, generation);
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#options.context.keepAlive(this.#ask());
  }

  /** Asks anew: something changed at the coordinator after a question that is still out. */
  renew(generation: number): void {
    this.#round++;
    this.#isAsking = false;
    this.ask(generation);
  }

  /** Asks no more: from this generation on the job does not run, whatever an answer that is under way says. */
  cease(generation: number): void {
    this.#round++;
    this.#isAsking = false;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#newest = Math.max(this.#newest, generation);
  }

  async #ask(): Promise<void> {
    const round = this.#round;
    const { context, operations, source } = this.#options;
    operations.addRequest();
    let answer: AttachSourceAnswer;
    try {
      answer = await context.peers
        .coordinator()
        .attachSource({ source, codeVersion: context.codeVersion });
    } catch {
      // Not reached: asked again after the back-off.
      if (round !== this.#round) return;
      this.#isAsking = false;
      this.#askAfter(this.#backoffMs);
      this.#backoffMs = Math.min(this.#backoffMs * 2, maxBackoffMs);
      return;
    }
    if (round !== this.#round) return;
    this.#isAsking = false;
    this.#backoffMs = firstBackoffMs;
    if (answer.kind === "wait") {
      if (this.#options.onWait(answer.status)) this.#askAfter(answer.retryAfterMs);
    } else if (answer.generation < this.#newest) {
      this.#askAfter(firstBackoffMs);
    } else {
      this.#options.onAttached(answer);
    }
  }

  #askAfter(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.context.setTimer(delayMs, () => this.ask());
  }
}
