/** Shares the one alarm of a partition among those who need it: each wants it no later than some time. */
import type { ObjectContext } from "../object-context.ts";
import type { OperationCounter } from "./operation-counter.ts";

/** Whether the alarm has to stand for what is left to do. */
export type AlarmNeed = () => boolean;

export class SharedAlarm {
  readonly #context: Pick<ObjectContext, "alarm" | "environment">;
  readonly #counter: Pick<OperationCounter, "alarms">;
  readonly #needs: AlarmNeed[] = [];
  #isClosed = false;

  constructor(
    context: Pick<ObjectContext, "alarm" | "environment">,
    counter: Pick<OperationCounter, "alarms">,
  ) {
    this.#context = context;
    this.#counter = counter;
  }

  /** One more needs it, as long as `need` says so. */
  share(need: AlarmNeed): void {
    this.#needs.push(need);
  }

  /** The attempt is over: the alarm belongs to whoever attaches next. */
  close(): void {
    this.#isClosed = true;
  }

  /** Costs a row: not set again when it is early enough. */
  ensureIn(delayMs: number): void {
    if (this.#isClosed) return;
    const { alarm, environment } = this.#context;
    const now = environment.now();
    const time = now + delayMs;
    const standing = alarm.get();
    if (standing !== undefined && standing <= time && standing > now) return;
    alarm.set(time);
    this.#counter.alarms += 1;
  }

  /** One of them is done: clears it when nobody needs it. */
  release(): void {
    if (this.#isClosed || this.#needs.some((isNeeded) => isNeeded())) return;
    const { alarm } = this.#context;
    if (alarm.get() === undefined) return;
    alarm.clear();
    this.#counter.alarms += 1;
  }
}
