/**
 * The one alarm of a source, which serves several purposes [27]: it comes soon while anything is under
 * way that a loss of memory would leave lying, and otherwise when a feed has its time.
 */
import type { ObjectContext } from "../object-context.ts";
import { alarmPeriodMs } from "./appender.ts";
import type { OperationCounter } from "./operations.ts";
import { isLive } from "./standing.ts";
import type { Standing } from "./standing.ts";

export interface SourceAlarmOptions {
  readonly context: Pick<ObjectContext, "alarm" | "environment">;
  readonly operations: OperationCounter;
  /** What the alarm goes by, as it is now. */
  readonly facts: () => AlarmFacts;
}

export interface AlarmFacts {
  readonly standing: Pick<Standing, "covered" | "intervalMs" | "pending" | "status">;
  readonly endLine: number;
  /** Undefined while the job does not run. */
  readonly deliveredLine: number | undefined;
  /** The coordinator has to hear something. */
  readonly hasNews: boolean;
  readonly feedsWakeAt: number | undefined;
}

export class SourceAlarm {
  readonly #options: SourceAlarmOptions;

  constructor(options: SourceAlarmOptions) {
    this.#options = options;
  }

  /** When the next alarm has to ring; undefined: none is needed. */
  get wantedAt(): number | undefined {
    const { context, facts } = this.#options;
    const now = facts();
    if (!isLive(now.standing.status)) return undefined;
    return hasWork(now) ? context.environment.now() + alarmPeriodMs : now.feedsWakeAt;
  }

  /** Sees to it that an alarm comes in time. */
  ensure(): void {
    const { context } = this.#options;
    const [present, wanted] = [context.alarm.get(), this.wantedAt];
    if (wanted === undefined || (present !== undefined && present <= wanted)) return;
    this.set(wanted);
  }

  /** At `time`, ms since the epoch. Costs a row. */
  set(time: number): void {
    const { context, operations } = this.#options;
    context.alarm.set(time);
    operations.addRowsWritten(1);
  }

  clearIfNotNeeded(): void {
    if (this.wantedAt === undefined) this.#options.context.alarm.clear();
  }
}

function hasWork({ deliveredLine, endLine, hasNews, standing }: AlarmFacts): boolean {
  const { covered, intervalMs, pending } = standing;
  if (pending !== null || hasNews) return true;
  if (intervalMs > 0) return endLine > covered;
  return (deliveredLine ?? covered) < endLine;
}
