/**
 * Runs the engine's background work in slices, with a turn of the event loop between two, so that
 * frames and reads wait for one slice at most.
 */
import type { StateEngine } from "../../state-engine/index.ts";
import type { ObjectContext } from "../object-context.ts";
import { delay } from "./signal.ts";

export class Maintenance {
  readonly #context: Pick<ObjectContext, "keepAlive" | "setTimer">;
  readonly #engine: Pick<StateEngine, "maintain">;
  readonly #failed: (error: unknown) => void;
  #running: Promise<void> | undefined;
  #isStopped = false;

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
    } catch (error) {
      if (!this.#isStopped) this.#failed(error);
    }
  }
}
