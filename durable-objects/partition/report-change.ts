/**
 * Tells the coordinator that the partition changed without input, until it has heard it: what a timer
 * did must be checkpointed although no source moved [26].
 */
import type { Fence, TaskId } from "../messages.ts";
import type { ObjectContext } from "../object-context.ts";
import type { OperationCounter } from "./operation-counter.ts";
import { delay } from "./signal.ts";

export interface ChangeReport {
  readonly context: ObjectContext;
  readonly task: TaskId;
  readonly fence: Fence;
  readonly counter: Pick<OperationCounter, "requests">;
  /** Whether there is still something to be checkpointed by this attempt. */
  readonly isWanted: () => boolean;
  /** The coordinator has heard of everything. */
  readonly told: () => void;
}

const SHORTEST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

export class ChangeReporter {
  readonly #report: ChangeReport;
  #isTelling = false;
  /** Something was not told yet: what is under way may have been heard before it. */
  #isDue = false;
  /** It is urgent. */
  #isUrgent = false;

  constructor(report: ChangeReport) {
    this.#report = report;
  }

  get isTelling(): boolean {
    return this.#isTelling;
  }

  /** One call at a time. `isUrgent`: a checkpoint is wanted whatever the interval. */
  changed({ isUrgent = false } = {}): void {
    this.#isUrgent ||= isUrgent;
    this.#isDue = true;
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#report.context.keepAlive(this.#tellAll());
  }

  async #tellAll(): Promise<void> {
    do await this.#tell();
    while (this.#isDue && this.#report.isWanted());
    this.#isTelling = false;
    this.#report.told();
  }

  async #tell(): Promise<void> {
    const { context, task, fence, counter, isWanted } = this.#report;
    for (let retryMs = SHORTEST_RETRY_MS; isWanted(); retryMs *= 2) {
      counter.requests += 1;
      const isUrgent = this.#isUrgent;
      this.#isUrgent = false;
      this.#isDue = false;
      const change = { ...fence, task, ...(isUrgent && { isUrgent }) };
      try {
        return await context.peers.coordinator().taskChanged(change);
      } catch {
        this.#isUrgent ||= isUrgent;
        // A lost call: the coordinator takes a repeated one for the same change.
      }
      await delay(context, Math.min(retryMs, LONGEST_RETRY_MS));
    }
  }
}
