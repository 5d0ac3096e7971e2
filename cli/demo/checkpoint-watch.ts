/** Tells of each checkpoint once it is completed, by asking the running job from time to time. */
import { setTimeout as wait } from "node:timers/promises";
import type { WeirClient } from "../weir-client.ts";

export interface CompletedCheckpoint {
  readonly id: number;
  readonly status: string;
  readonly checkpointed_size: number;
  readonly state_size: number;
  readonly end_to_end_duration: number;
  readonly put_operations: number;
  readonly new_tables: number;
  readonly reused_tables: number;
}

const ASK_EVERY_MS = 200;

export class CheckpointWatch {
  readonly #completed: (checkpoint: CompletedCheckpoint) => void;
  #latest = 0;

  constructor(completed: (checkpoint: CompletedCheckpoint) => void) {
    this.#completed = completed;
  }

  /** The id of the newest one told of; 0 before the first. */
  get latest(): number {
    return this.#latest;
  }

  /** Goes on until `signal` is aborted or the runtime cannot be reached any more. */
  async follow(client: WeirClient, job: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.look(client, job);
      } catch (error) {
        // fetch reports every failure of the connection this way: the runtime was killed.
        if (error instanceof TypeError) return;
        throw error;
      }
      await wait(ASK_EVERY_MS);
    }
  }

  async look(client: WeirClient, job: string): Promise<void> {
    const { history } = await client.json<{ history: readonly CompletedCheckpoint[] }>(
      `/jobs/${job}/checkpoints`,
    );
    const news = history.filter(({ id, status }) => id > this.#latest && status === "COMPLETED");
    for (const checkpoint of news.toReversed()) {
      this.#latest = checkpoint.id;
      this.#completed(checkpoint);
    }
  }
}
