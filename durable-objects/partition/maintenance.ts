/**
 * Runs the engine's background work in slices, with a turn of the event loop between two, so that
 * frames and reads wait for one slice at most.
 *
 * Nothing depends on it being done now: when storage does not answer it stops, and goes on the next
 * time. Only if that happens again and again the engine's tables are to be doubted.
 */
import { StateEngineError, type StateEngine } from "../../state-engine/index.ts";
import type { ObjectContext } from "../object-context.ts";
import { delay } from "./signal.ts";

/** Runs in a row that storage cut short before the partition restores anew. */
const MOST_INTERRUPTIONS = 5;

export class Maintenance {
  readonly #context: Pick<ObjectContext, "keepAlive" | "setTimer">;
  readonly #engine: Pick<StateEngine, "maintain">;
  readonly #failed: (error: unknown) => void;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #interruptions = 0;

  constructor(
    context: Pick<ObjectContext, "keepAlive" | "setTimer">,
    engine: Pick<StateEngine, "maintain">,
    failed: (error: unknown) => void,
  ) {
    this.#context = context;
    this.#engine = engine;
    this.#failed = failed;
  }

  /** Resolves when nothing runs; at once when nothing does. */
  get settled(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** Works until the engine has no more to do. */
  begin(): void {
    if (this.#running !== undefined || this.#isStopped) return;
    const running = this.#run().finally(() => (this.#running = undefined));
    this.#running = running;
    this.#context.keepAlive(running);
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isStopped && (await this.#engine.maintain())) await delay(this.#context, 0);
      this.#interruptions = 0;
    } catch (error) {
      if (this.#isStopped) return;
      this.#interruptions += 1;
      const isStorage = error instanceof StateEngineError && error.kind === "unavailable";
      if (!isStorage || this.#interruptions >= MOST_INTERRUPTIONS) this.#failed(error);
    }
  }
}
