/**
 * Runs the requests of an asynchronous operator outside the apply loop: the user's function with its
 * timeout and its retries, no more at once than the operator's capacity.
 *
 * Promise: every request that is started gets one outcome, unless close() comes first; while one is
 * open the object is kept in memory. After close() signals are aborted and nothing is answered.
 */
import { keyCodecs } from "../../state-engine/state/key-codec.ts";
import type { KeyedVertex } from "../../dataflow/job-graph.ts";
import { checkRecords } from "../../dataflow/operators/async-operator.ts";
import {
  decideAttempt,
  isWorthRetrying,
  type Attempt,
} from "../../dataflow/operators/async-policy.ts";
import type {
  AsynchronousCalls,
  AsyncRequest,
  RequestOutcome,
} from "../../dataflow/operators/keyed-operator.ts";
import { describeError } from "../failure-message.ts";
import type { ObjectContext } from "../object-context.ts";

export interface AsyncRequestsOptions {
  readonly context: Pick<ObjectContext, "keepAlive" | "setTimer">;
  readonly vertex: Pick<KeyedVertex, "uid" | "keyType">;
  readonly calls: AsynchronousCalls;
  readonly answered: (request: AsyncRequest, outcome: RequestOutcome) => void;
}

export class AsyncRequests {
  readonly #options: AsyncRequestsOptions;
  /** Waiting for others to end: after a rescale more records may wait than one partition runs at once. */
  readonly #queue: AsyncRequest[] = [];
  /** Ends what waits: an attempt, or the pause before one. */
  readonly #stops = new Set<() => void>();
  #running = 0;
  #isClosed = false;

  constructor(options: AsyncRequestsOptions) {
    this.#options = options;
  }

  start(request: AsyncRequest): void {
    if (this.#isClosed) return;
    this.#queue.push(request);
    this.#begin();
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.length = 0;
    for (const stop of this.#stops) stop();
  }

  #begin(): void {
    const { calls, context } = this.#options;
    while (this.#running < calls.policy.capacity) {
      const request = this.#queue.shift();
      if (request === undefined) return;
      this.#running += 1;
      context.keepAlive(this.#run(request));
    }
  }

  /** Does not reject. */
  async #run(request: AsyncRequest): Promise<void> {
    const outcome = await this.#outcomeOf(request);
    this.#running -= 1;
    if (this.#isClosed) return;
    this.#options.answered(request, outcome);
    this.#begin();
  }

  async #outcomeOf(request: AsyncRequest): Promise<RequestOutcome> {
    const { policy } = this.#options.calls;
    for (let number = 1; ; number++) {
      const attempt = await this.#attempt(request, number);
      const decision = this.#isWorthRetrying(attempt)
        ? decideAttempt(policy, number)
        : ({ kind: "giveUp" } as const);
      if (this.#isClosed || decision.kind === "giveUp") return outcomeOf(attempt, number);
      await this.#pause(decision.delayMs);
    }
  }

  /** A predicate that throws is worth no retry: the attempt's own outcome stands. */
  #isWorthRetrying(attempt: Attempt): boolean {
    try {
      return isWorthRetrying(this.#options.calls.policy, attempt);
    } catch {
      return false;
    }
  }

  async #attempt(request: AsyncRequest, number: number): Promise<Attempt> {
    const { calls, context, vertex } = this.#options;
    const { timeoutMs } = calls.policy;
    const aborter = new AbortController();
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const end = (error: Error): void => {
      aborter.abort(error);
      reject(error);
    };
    const stop = (): void => end(new Error("The partition has lost its memory."));
    const timer = context.setTimer(timeoutMs, () =>
      end(new RequestTimeout(`Attempt ${number} took longer than ${timeoutMs} ms.`)),
    );
    this.#stops.add(stop);
    try {
      // The function runs outside the apply loop, also what it does before its first await.
      const values = Promise.resolve().then(() =>
        calls.call(request.record, {
          key: keyCodecs[vertex.keyType].read(request.key),
          attempt: number,
          signal: aborter.signal,
        }),
      );
      return {
        kind: "result",
        values: checkRecords(await Promise.race([values, ended]), "An asynchronous function"),
      };
    } catch (error) {
      return { kind: "error", error };
    } finally {
      timer.cancel();
      this.#stops.delete(stop);
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#stops.delete(done);
        timer.cancel();
        resolve();
      };
      const timer = this.#options.context.setTimer(delayMs, done);
      this.#stops.add(done);
    });
  }
}

/** What a request fails with that takes too long. */
class RequestTimeout extends Error {
  override readonly name = "RequestTimeout";
}

function outcomeOf(attempt: Attempt, attempts: number): RequestOutcome {
  if (attempt.kind === "result") return attempt;
  const { name, message } = describeError(attempt.error);
  return { kind: "failure", error: message, name, attempts };
}
