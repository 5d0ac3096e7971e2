/** A system outside that notes what is committed to it, takes its time, and can be down. */
import type { ExternalSink, SinkCommit } from "../../../durable-objects/coordinator/commits.ts";
import type { Scheduler } from "../scheduler.ts";

const COMMIT_MS = 50;

export class NotingSink implements ExternalSink {
  readonly name = "noting";
  readonly layout = {};
  /** The values of each commit, in the order they came, by key. */
  readonly commits = new Map<string, readonly unknown[]>();
  isDown = false;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get values(): readonly unknown[] {
    return [...this.commits.values()].flat();
  }

  async commit({ key, output }: SinkCommit): Promise<void> {
    const values: unknown[] = [];
    for (const segment of output) {
      if (segment.kind !== "results" || !("inline" in segment.data)) continue;
      const lines = new TextDecoder().decode(segment.data.inline).split("\n");
      for (const line of lines) {
        if (line !== "") values.push((JSON.parse(line) as { value: unknown }).value);
      }
    }
    await new Promise<void>((resolve) => {
      this.#scheduler.schedule(COMMIT_MS, "the sink has it", resolve);
    });
    if (this.isDown) throw new Error("The sink is down.");
    this.commits.set(key, values);
  }
}
