/**
 * When a window shows its result. A trigger is asked at every record and timer of a window and may
 * keep one small value per window. Names and meaning are Flink's.
 */
import { maxTimestampOf, windowStart, type Window } from "./window.ts";

/** Show the result, drop the contents, both, or neither. */
export type TriggerResult = "continue" | "fire" | "purge" | "fireAndPurge";

export interface TriggerContext {
  readonly watermark: number;
  readonly processingTime: number;
  /** The trigger's value for this window, of any type codecs.structured() takes. */
  getState(): unknown;
  setState(state: unknown): void;
  registerEventTimeTimer(timestamp: number): void;
  deleteEventTimeTimer(timestamp: number): void;
  registerProcessingTimeTimer(timestamp: number): void;
  deleteProcessingTimeTimer(timestamp: number): void;
}

export interface Trigger<T> {
  readonly name: string;
  onElement(record: T, timestamp: number, window: Window, context: TriggerContext): TriggerResult;
  onEventTime(time: number, window: Window, context: TriggerContext): TriggerResult;
  onProcessingTime(time: number, window: Window, context: TriggerContext): TriggerResult;
  /** Deletes the timers it has registered for the window; its value is dropped anyway. */
  clear(window: Window, context: TriggerContext): void;
  /** Windows have become one: answers the value of the merged window. Without it no session windows. */
  onMerge?(window: Window, states: readonly unknown[], context: TriggerContext): unknown;
}

/** Fires when the watermark passes the end of the window, and at once for every late record it still takes. */
export const eventTimeTrigger: Trigger<unknown> = {
  name: "eventTime",
  onElement(_record, _timestamp, window, context) {
    if (maxTimestampOf(window) <= context.watermark) return "fire";
    context.registerEventTimeTimer(maxTimestampOf(window));
    return "continue";
  },
  onEventTime: (time, window) => (time === maxTimestampOf(window) ? "fire" : "continue"),
  onProcessingTime: () => "continue",
  clear: (window, context) => context.deleteEventTimeTimer(maxTimestampOf(window)),
  onMerge(window, _states, context) {
    if (maxTimestampOf(window) > context.watermark) {
      context.registerEventTimeTimer(maxTimestampOf(window));
    }
    return undefined;
  },
};

/** Fires when the clock passes the end of the window. */
export const processingTimeTrigger: Trigger<unknown> = {
  name: "processingTime",
  onElement(_record, _timestamp, window, context) {
    context.registerProcessingTimeTimer(maxTimestampOf(window));
    return "continue";
  },
  onEventTime: () => "continue",
  onProcessingTime: (time, window) => (time === maxTimestampOf(window) ? "fire" : "continue"),
  clear: (window, context) => context.deleteProcessingTimeTimer(maxTimestampOf(window)),
  onMerge(window, _states, context) {
    context.registerProcessingTimeTimer(maxTimestampOf(window));
    return undefined;
  },
};

/** Never fires: the default of global windows. */
export const neverTrigger: Trigger<unknown> = {
  name: "never",
  onElement: () => "continue",
  onEventTime: () => "continue",
  onProcessingTime: () => "continue",
  clear: () => undefined,
  onMerge: () => undefined,
};

/** Fires at every `count` records. */
export function countTrigger(count: number): Trigger<unknown> {
  return {
    name: `count(${count})`,
    onElement(_record, _timestamp, _window, context) {
      const counted = ((context.getState() as number | undefined) ?? 0) + 1;
      context.setState(counted >= count ? 0 : counted);
      return counted >= count ? "fire" : "continue";
    },
    onEventTime: () => "continue",
    onProcessingTime: () => "continue",
    clear: () => undefined,
    onMerge: (_window, states) =>
      (states as readonly number[]).reduce((sum, each) => sum + each, 0),
  };
}

/** Whenever the other trigger fires, the contents are dropped too. */
export function purgingTrigger<T>(inner: Trigger<T>): Trigger<T> {
  const purge = (result: TriggerResult): TriggerResult =>
    result === "fire" ? "fireAndPurge" : result;
  return {
    name: `purging(${inner.name})`,
    onElement: (...given) => purge(inner.onElement(...given)),
    onEventTime: (...given) => purge(inner.onEventTime(...given)),
    onProcessingTime: (...given) => purge(inner.onProcessingTime(...given)),
    clear: (window, context) => inner.clear(window, context),
    ...(inner.onMerge === undefined
      ? {}
      : { onMerge: (window, states, context) => inner.onMerge!(window, states, context) }),
  };
}

/** Fires every `intervalMs` of event time while the window has records, and at its end. */
export function continuousEventTimeTrigger(intervalMs: number): Trigger<unknown> {
  return {
    name: `continuousEventTime(${intervalMs})`,
    onElement(_record, timestamp, window, context) {
      if (maxTimestampOf(window) <= context.watermark) return "fire";
      context.registerEventTimeTimer(maxTimestampOf(window));
      if (context.getState() === undefined) startInterval(timestamp, window, context);
      return "continue";
    },
    onEventTime(time, window, context) {
      if (time === maxTimestampOf(window)) return "fire";
      if (time !== context.getState()) return "continue";
      startInterval(time, window, context);
      return "fire";
    },
    onProcessingTime: () => "continue",
    clear(window, context) {
      const next = context.getState() as number | undefined;
      if (next !== undefined) context.deleteEventTimeTimer(next);
      context.deleteEventTimeTimer(maxTimestampOf(window));
    },
    onMerge(window, states, context) {
      if (maxTimestampOf(window) > context.watermark) {
        context.registerEventTimeTimer(maxTimestampOf(window));
      }
      const next = Math.min(...(states as readonly number[]));
      if (next === Infinity) return undefined;
      context.registerEventTimeTimer(next);
      return next;
    },
  };

  function startInterval(from: number, window: Window, context: TriggerContext): void {
    const next = Math.min(windowStart(from, 0, intervalMs) + intervalMs, maxTimestampOf(window));
    context.setState(next);
    context.registerEventTimeTimer(next);
  }
}

/** Fires every `intervalMs` of the clock while the window has records. */
export function continuousProcessingTimeTrigger(intervalMs: number): Trigger<unknown> {
  const startInterval = (from: number, context: TriggerContext): void => {
    const next = windowStart(from, 0, intervalMs) + intervalMs;
    context.setState(next);
    context.registerProcessingTimeTimer(next);
  };
  return {
    name: `continuousProcessingTime(${intervalMs})`,
    onElement(_record, _timestamp, _window, context) {
      if (context.getState() === undefined) startInterval(context.processingTime, context);
      return "continue";
    },
    onEventTime: () => "continue",
    onProcessingTime(time, _window, context) {
      if (time !== context.getState()) return "continue";
      startInterval(time, context);
      return "fire";
    },
    clear(_window, context) {
      const next = context.getState() as number | undefined;
      if (next !== undefined) context.deleteProcessingTimeTimer(next);
    },
    onMerge(_window, states, context) {
      const next = Math.min(...(states as readonly number[]));
      if (next === Infinity) return undefined;
      context.registerProcessingTimeTimer(next);
      return next;
    },
  };
}
