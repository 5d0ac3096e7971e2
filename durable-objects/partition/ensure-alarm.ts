/** Shares the one alarm of a partition among those who need it: each wants it no later than some time. */
import type { ObjectContext } from "../object-context.ts";
import type { OperationCounter } from "./operation-counter.ts";

/** Costs a row: not set again when it is early enough. */
export function ensureAlarm(
  context: Pick<ObjectContext, "alarm" | "environment">,
  counter: Pick<OperationCounter, "alarms">,
  time: number,
): void {
  const alarm = context.alarm.get();
  if (alarm !== undefined && alarm <= time && alarm > context.environment.now()) return;
  context.alarm.set(time);
  counter.alarms += 1;
}
