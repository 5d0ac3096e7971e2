/**
 * The outcomes of an asynchronous operator's requests, on their way into its state, and the room for
 * further records. The task asks before each record; whoever runs requests only adds.
 *
 * Promise: outcomes are applied one by one in the order in which they came; no record is taken while
 * as many wait as the operator's capacity allows. A record whose request failed for good goes to the
 * dead letters, if the job has them, in the same step in which it leaves the state.
 */
import type { DeadLetter } from "../dead-letter.ts";
import type { KeyedVertex, OperatorDefinition } from "../job-graph.ts";
import { toJsonText } from "../json-text.ts";
import { keyCodecs } from "../../state-engine/state/key-codec.ts";
import { RequestFailure } from "../operators/async-operator.ts";
import type { AsyncRequest, RequestOutcome } from "../operators/keyed-operator.ts";
import type { OperatorRunner } from "../operators/operator-runner.ts";
import type { Emitter } from "./emitter.ts";

export interface AnswersOptions {
  readonly vertex: Pick<KeyedVertex, "uid" | "keyType">;
  readonly definition: Pick<OperatorDefinition, "asynchronous" | "kind">;
  readonly runner: Pick<OperatorRunner, "applyResult" | "openRequests" | "reissueRequests">;
  readonly emitter: Pick<Emitter, "append">;
  /** The output for records whose request failed for good; undefined when the job has none. */
  readonly deadLetters: string | undefined;
}

interface Answer {
  readonly request: AsyncRequest;
  outcome: RequestOutcome;
  /** To be emitted once the record has left the state. */
  letter?: DeadLetter;
}

const NO_RESULT: RequestOutcome = { kind: "result", values: [] };

export class Answers {
  readonly #options: AnswersOptions;
  readonly #capacity: number;
  #answers: Answer[] = [];
  #areIssued: boolean;
  #lacksRoom = false;
  #next: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #isClosed = false;

  constructor(options: AnswersOptions) {
    this.#options = options;
    const { asynchronous } = options.definition;
    this.#capacity = asynchronous?.policy.capacity ?? Infinity;
    this.#areIssued = asynchronous === undefined;
  }

  /** The requests of records that waited in the restored checkpoint are out again. */
  get areIssued(): boolean {
    return this.#areIssued;
  }

  /** makeRoom() or settle() has answered false for want of an outcome, not of state: wait for next(). */
  get lacksRoom(): boolean {
    return this.#lacksRoom;
  }

  /** Resolves when there is an outcome to apply, or nothing will be applied any more. */
  next(): Promise<void> {
    if (this.#isClosed || this.#answers.length > 0) return Promise.resolve();
    this.#next ??= Promise.withResolvers<void>();
    return this.#next.promise;
  }

  add(request: AsyncRequest, outcome: RequestOutcome): void {
    this.#answers.push({ request, outcome });
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  /** False when state is missing: to be called again. */
  apply(): boolean {
    this.#lacksRoom = false;
    if (!this.#areIssued) {
      if (!this.#options.runner.reissueRequests()) return false;
      this.#areIssued = true;
    }
    if (this.#answers.length === 0) return true;
    let applied = 0;
    try {
      for (const answer of this.#answers) {
        if (!this.#apply(answer)) return false;
        applied += 1;
      }
    } finally {
      this.#answers = this.#answers.slice(applied);
    }
    return true;
  }

  /** False when another record may not be taken yet. */
  makeRoom(): boolean {
    return this.#fewerThan(this.#capacity);
  }

  /** False while records wait for a result, or for their turn after it. */
  settle(): boolean {
    return this.#fewerThan(1);
  }

  #fewerThan(waiting: number): boolean {
    if (this.#answers.length > 0 && !this.apply()) return false;
    this.#lacksRoom = this.#options.runner.openRequests >= waiting;
    return !this.#lacksRoom;
  }

  #apply(answer: Answer): boolean {
    const { runner, emitter, deadLetters } = this.#options;
    try {
      if (!runner.applyResult(answer.request, answer.outcome)) return false;
    } catch (error) {
      if (deadLetters === undefined || !(error instanceof RequestFailure)) throw error;
      // The runner has taken back what the outcome did: the record leaves without a result instead.
      answer.letter = this.#letterOf(answer, error);
      answer.outcome = NO_RESULT;
      return this.#apply(answer);
    }
    if (answer.letter !== undefined) emitter.append(deadLetters!, answer.letter);
    return true;
  }

  #letterOf({ request, outcome }: Answer, error: RequestFailure): DeadLetter {
    const { vertex, definition } = this.#options;
    const failure = outcome.kind === "failure" ? outcome : undefined;
    return {
      source: null,
      line: null,
      text: null,
      record: shown(request.record),
      error: { name: failure?.name ?? error.name, message: error.message },
      operator: `${definition.kind} "${vertex.uid}"`,
      key: toJsonText(keyCodecs[vertex.keyType].read(request.key)),
      attempts: failure?.attempts ?? 1,
    };
  }

  #wake(): void {
    this.#next?.resolve();
    this.#next = undefined;
  }
}

/** The record as JSON can express it; in words when it cannot. */
function shown(record: unknown): unknown {
  try {
    return JSON.parse(toJsonText(record)) as unknown;
  } catch {
    // A circle, or nothing JSON knows: its text is better than no dead letter.
    return String(record);
  }
}
