/**
 * Another system that committed output goes to. A commit takes time, may fail before or after it took
 * effect, and may arrive again: the other side knows a repeat by its key [19].
 *
 * Checks: checkpoints arrive in order, whatever is repeated; one key always carries the same; in the end
 * everything committed has arrived.
 */
import type { ExternalSink, SinkCommit } from "../../durable-objects/coordinator/commits.ts";
import type { OutputSegment } from "../../durable-objects/coordinator-queries.ts";
import { CallFailed, type Caller } from "./network.ts";
import type { World } from "./world.ts";

const NAME = "simulated-sink";

export class SimulatedSink {
  readonly #world: World;
  /** What arrived, by key; and the highest checkpoint among them. */
  readonly #received = new Map<string, { readonly checkpoint: number; readonly text: string }>();
  #latest = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** The sink as this lifetime of the coordinator reaches it. */
  for(caller: Caller): ExternalSink {
    const commit = (commit: SinkCommit): Promise<void> => this.#commit(caller, commit);
    return Object.assign({ name: NAME, commit }, { layout: {} });
  }

  /** `segments`: all output ever committed. */
  checkTheEnd(segments: readonly OutputSegment[]): void {
    const expected = new Map<number, string>();
    for (const segment of segments) {
      if (segment.kind !== "results") continue;
      const before = expected.get(segment.checkpoint) ?? "";
      expected.set(segment.checkpoint, before + this.#textOf([segment]));
    }
    const received = new Map(
      [...this.#received.values()].map(({ checkpoint, text }) => [checkpoint, text]),
    );
    for (const [checkpoint, text] of expected) {
      if (received.get(checkpoint) === text) continue;
      this.#world.violations.add(
        `The external sink has ${received.get(checkpoint)?.length ?? 0} bytes of checkpoint ${checkpoint}, not its ${text.length} [19].`,
      );
    }
  }

  #commit(caller: Caller, { checkpoint, key, output }: SinkCommit): Promise<void> {
    const { faults, scheduler } = this.#world;
    const label = `${caller.name} commits ${key}`;
    const text = this.#textOf(output);
    const { promise, reject, resolve } = Promise.withResolvers<void>();
    if (!caller.beginOutgoing(label)) return promise;
    const fail = (): void =>
      caller.endOutgoing(() => reject(new CallFailed("The external sink does not answer.")));
    if (faults.happens("blobFailure")) {
      scheduler.schedule(faults.blobLatency(), `fails: ${label}`, fail);
      return promise;
    }
    const isAnswerLost = faults.happens("blobIndeterminate");
    scheduler.schedule(faults.blobLatency(), label, () => {
      this.#receive(checkpoint, key, text);
      scheduler.schedule(faults.blobLatency(), `answer: ${label}`, () =>
        isAnswerLost ? fail() : caller.endOutgoing(resolve),
      );
    });
    return promise;
  }

  #receive(checkpoint: number, key: string, text: string): void {
    const { violations } = this.#world;
    const before = this.#received.get(key);
    if (before !== undefined && before.text !== text) {
      violations.add(`The external sink got two different commits with the key ${key} [19].`);
    }
    if (before === undefined && checkpoint <= this.#latest) {
      violations.add(
        `The external sink got checkpoint ${checkpoint} after ${this.#latest}: not in order [19].`,
      );
    }
    this.#received.set(key, { checkpoint, text });
    this.#latest = Math.max(this.#latest, checkpoint);
  }

  #textOf(output: Iterable<OutputSegment>): string {
    let text = "";
    for (const segment of output) {
      if (segment.kind !== "results") continue;
      const { data } = segment;
      const bytes = "inline" in data ? data.inline : this.#world.bucket.read(data.path);
      text += new TextDecoder().decode(bytes ?? new Uint8Array());
    }
    return text;
  }
}
