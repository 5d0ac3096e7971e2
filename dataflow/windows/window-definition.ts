/** What is common to all windowed operators: the options users write and the functions that see results. */
import { emitReturned } from "../operators/user-function.ts";
import type { OutputTag } from "../operators/output-tag.ts";
import type { OperatorContext } from "../operators/keyed-operator.ts";
import type { StateDescriptor } from "../state/state-descriptor.ts";
import type { WindowAssigner } from "./assigners.ts";
import type { Trigger } from "./trigger.ts";
import type { WindowContentsDefinition } from "./window-contents.ts";
import type { Window } from "./window.ts";

export interface Windowing<T> {
  readonly assigner: WindowAssigner<T>;
  /** By default a window fires when time passes its end. */
  readonly trigger?: Trigger<T>;
  /** Event time only: how long after its end a window still takes records, showing its result anew for each. Default 0. */
  readonly allowedLatenessMs?: number;
  /** Where records go that are too late for all their windows. Without it they are dropped. */
  readonly lateOutput?: OutputTag<T>;
}

/** What a function that sees a window's result may use. */
export interface WindowContext<K> {
  readonly key: K;
  readonly window: Window;
  readonly watermark: number;
  readonly processingTime: number;
  sideOutput<T>(tag: OutputTag<T>, value: T): void;
}

export interface WindowDefinition<T, K, Result, Out> extends Windowing<T> {
  readonly kind: string;
  readonly uid: string;
  readonly contents: WindowContentsDefinition<T, Result>;
  readonly process: (result: Result, context: WindowContext<K>) => Iterable<Out>;
  /** Further states of the logic. */
  readonly states?: readonly StateDescriptor[];
}

/** Runs the user's function on a result and emits what it answers, at the window's last moment. */
export function emitResult<T, K, Result, Out>(
  definition: WindowDefinition<T, K, Result, Out>,
  result: Result,
  window: Window,
  context: OperatorContext,
): void {
  const view: WindowContext<K> = {
    key: context.key as K,
    window,
    watermark: context.watermark,
    processingTime: context.processingTime,
    sideOutput: (tag, value) => context.sideOutput(tag, value, window.end - 1),
  };
  const timestamp = window.end === Infinity ? context.timestamp : window.end - 1;
  emitReturned(`window "${definition.uid}"`, definition.process(result, view), context, timestamp);
}

/** The time of a record by which windows are assigned. */
export function windowTimeOf(
  { assigner }: { readonly assigner: Pick<WindowAssigner<never>, "kind" | "time"> },
  context: OperatorContext,
): number {
  if (assigner.time === "processing") return context.processingTime;
  if (assigner.kind === "global") return context.timestamp ?? context.processingTime;
  if (context.timestamp === undefined) {
    throw new TypeError(
      `A record without a timestamp came to an event-time window (key ${JSON.stringify(context.key)}). ` +
        `Assign timestamps and watermarks before it, or use { time: "processing" }.`,
    );
  }
  return context.timestamp;
}

/** A record that all its windows refused: to the late output, if it is late. */
export function emitLate<T>(
  windowing: Windowing<T>,
  record: T,
  time: number,
  context: OperatorContext,
): void {
  const { assigner, allowedLatenessMs = 0, lateOutput } = windowing;
  if (assigner.time !== "event" || time + allowedLatenessMs > context.watermark) return;
  if (lateOutput !== undefined) context.sideOutput(lateOutput, record);
}
