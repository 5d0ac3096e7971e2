/**
 * Posts bodies of lines one after another as one producer, so that each counts once whatever happens
 * in between: a body that was not answered is sent again under its own sequence (SPEC.md, IN3).
 *
 * Promise: bodies are taken in order and one at a time; after a broken connection the next call of
 * post goes on with the first body that was not answered.
 */
import type { WeirClient } from "./weir-client.ts";

export interface LineProducerOptions {
  /** The Producer-Id: nobody else may use it. */
  readonly id: string;
  readonly job: string;
  /** Each ends with a line end, but for the last. */
  readonly bodies: readonly Uint8Array<ArrayBuffer>[];
  readonly answered?: (bytes: number) => void;
}

export class LineProducer {
  readonly #options: LineProducerOptions;
  #next = 0;
  #isWaiting = false;
  #unanswered = 0;
  #lastFailure: TypeError | undefined;

  constructor(options: LineProducerOptions) {
    this.#options = options;
  }

  /** Whether a body was sent and its answer has not come. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Whether every body was answered. */
  get isDone(): boolean {
    return this.#next === this.#options.bodies.length;
  }

  /** Requests that ended without an answer. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Why the last of them ended so: what fetch threw, the socket's error as its cause. */
  get lastFailure(): TypeError | undefined {
    return this.#lastFailure;
  }

  /** Posts the rest. Answers false when the connection broke before everything was answered. */
  async post(client: WeirClient): Promise<boolean> {
    const { bodies, answered } = this.#options;
    while (!this.isDone) {
      const body = bodies[this.#next]!;
      if (!(await this.#postOnce(client, body))) return false;
      this.#next++;
      answered?.(body.length);
    }
    return true;
  }

  async #postOnce(client: WeirClient, body: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { id, job } = this.#options;
    this.#isWaiting = true;
    try {
      await client.json(`/jobs/${job}/lines`, {
        method: "POST",
        body,
        headers: { "Producer-Id": id, "Producer-Sequence": String(this.#next) },
      });
      return true;
    } catch (error) {
      // fetch reports every failure of the connection this way.
      if (!(error instanceof TypeError)) throw error;
      this.#unanswered++;
      this.#lastFailure = error;
      return false;
    } finally {
      this.#isWaiting = false;
    }
  }
}
