/**
 * What one record has emitted so far, held back until the record is done, and the updates of a batch,
 * of which only the first old and the last new value of each key are passed on.
 */
import type { OpenRequests } from "./open-requests.ts";
import type { AsyncRequest, OperatorOutput, Update } from "./keyed-operator.ts";

type Emission =
  | { readonly kind: "record"; readonly value: unknown; readonly timestamp: number | undefined }
  | {
      readonly kind: "side";
      readonly tag: string;
      readonly value: unknown;
      readonly timestamp: number | undefined;
    }
  | { readonly kind: "update"; readonly update: Update<unknown, unknown> }
  | {
      readonly kind: "request";
      readonly request: AsyncRequest;
      readonly id: string;
      readonly watermark: number;
    }
  | { readonly kind: "settle"; readonly id: string };

export interface HeldUpdate {
  readonly update: Update<unknown, unknown>;
  /** Of the record that made its value; undefined when a timer or a result did. */
  readonly line: number | undefined;
}

export class Emissions {
  readonly #output: OperatorOutput;
  readonly #requests: OpenRequests;
  readonly #pending: Emission[] = [];
  /** By key, in the order first touched. */
  readonly #updates = new Map<unknown, HeldUpdate>();
  /** The line of the record at hand: the newest value of an update is its doing. */
  line: number | undefined = undefined;

  constructor(output: OperatorOutput, requests: OpenRequests) {
    this.#output = output;
    this.#requests = requests;
  }

  add(emission: Emission): void {
    this.#pending.push(emission);
  }

  clear(): void {
    this.#pending.length = 0;
  }

  commit(): void {
    for (const emission of this.#pending) this.#pass(emission);
    this.#pending.length = 0;
  }

  /** Whether a record of this batch has changed the key's result. */
  holdsUpdate(key: unknown): boolean {
    return this.#updates.has(key);
  }

  /** Passes on one update for each key touched since the last call. `passing` is told of each before. */
  endBatch(passing: (held: HeldUpdate) => void): void {
    if (this.#updates.size === 0) return;
    for (const held of this.#updates.values()) {
      passing(held);
      this.#output.update(held.update);
    }
    this.#updates.clear();
  }

  #pass(emission: Emission): void {
    switch (emission.kind) {
      case "record":
        return this.#output.record(emission.value, emission.timestamp);
      case "side":
        return this.#output.side(emission.tag, emission.value, emission.timestamp);
      case "update":
        return this.#keepUpdate(emission.update);
      case "request":
        this.#requests.open(emission.id, emission.watermark);
        return this.#output.request(emission.request);
      case "settle":
        return this.#requests.settle(emission.id);
    }
  }

  #keepUpdate(update: Update<unknown, unknown>): void {
    const { line } = this;
    const earlier = this.#updates.get(update.key);
    const held = earlier === undefined ? update : { ...update, old: earlier.update.old };
    this.#updates.set(update.key, { update: held, line });
  }
}
