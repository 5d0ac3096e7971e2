/**
 * Sliding windows that share panes: a record goes into one pane of gcd(size, slide), not into
 * size / slide windows, and a window's result is put together from its panes when it fires. For the
 * default trigger; what is emitted, and when, is what window-logic.ts would emit.
 *
 * Invariant: for every pane with records, the earliest window over it that has not fired has a timer;
 * a window that fires hands the timer on to the next one over the panes that remain.
 */
import type {
  FiredTimer,
  KeyedOperatorLogic,
  OperatorContext,
  OperatorSetup,
} from "../operators/keyed-operator.ts";
import { assignWindows, type SlidingWindows } from "./assigners.ts";
import type { WindowContents } from "./window-contents.ts";
import { emitLate, emitResult, windowTimeOf, type WindowDefinition } from "./window-definition.ts";
import { decodeWindow, encodeWindow, maxTimestampOf, windowStart, type Window } from "./window.ts";

/** In front of a timer's window: fire it, or remove the pane. At one time windows fire first. */
const FIRE = 0;
const REMOVE = 1;

export class PaneLogic<T, K, Result, Out> implements KeyedOperatorLogic {
  readonly #definition: WindowDefinition<T, K, Result, Out>;
  readonly #assigner: SlidingWindows;
  readonly #contents: WindowContents<T, Result>;
  readonly #paneMs: number;
  readonly #latenessMs: number;

  constructor(
    definition: WindowDefinition<T, K, Result, Out>,
    assigner: SlidingWindows,
    setup: OperatorSetup,
  ) {
    this.#definition = definition;
    this.#assigner = assigner;
    this.#contents = definition.contents.open(setup);
    this.#paneMs = greatestCommonDivisor(assigner.sizeMs, assigner.slideMs);
    this.#latenessMs = assigner.time === "event" ? (definition.allowedLatenessMs ?? 0) : 0;
  }

  process(_input: number, value: unknown, context: OperatorContext): void {
    const record = value as T;
    const time = windowTimeOf(this.#definition, context);
    const now = this.#now(context);
    const windows = assignWindows(this.#assigner, record, time).filter(
      (window) => maxTimestampOf(window) + this.#latenessMs > now,
    );
    if (windows.length === 0) {
      emitLate(this.#definition, record, time, context);
      return;
    }
    const pane = this.#paneAt(windowStart(time, this.#assigner.offsetMs, this.#paneMs));
    context.namespace = encodeWindow(pane);
    const isNew = this.#contents.isEmpty(context);
    this.#contents.add(record, context);
    if (isNew) this.#registerTimers(pane, windows, now, context);
    for (const window of windows) {
      if (maxTimestampOf(window) <= now) this.#fire(window, context);
    }
  }

  onTimer(timer: FiredTimer, context: OperatorContext): void {
    const window = decodeWindow(timer.namespace.subarray(1));
    if (timer.namespace[0] === REMOVE) {
      context.namespace = encodeWindow(window);
      this.#contents.clear(context);
      return;
    }
    this.#fire(window, context);
    const { slideMs } = this.#assigner;
    const next = { start: window.start + slideMs, end: window.end + slideMs };
    const remaining = this.#panesOf({ start: next.start, end: window.end });
    if (remaining.some((pane) => this.#hasRecords(pane, context))) {
      this.#register(FIRE, next, maxTimestampOf(next), context);
    }
  }

  #fire(window: Window, context: OperatorContext): void {
    const panes = this.#panesOf(window).map(encodeWindow);
    const result = this.#contents.read(panes, context);
    if (result !== undefined) emitResult(this.#definition, result, window, context);
  }

  #registerTimers(
    pane: Window,
    windows: readonly Window[],
    now: number,
    context: OperatorContext,
  ): void {
    const earliest = windows.findLast((window) => maxTimestampOf(window) > now);
    if (earliest !== undefined) {
      this.#register(FIRE, earliest, maxTimestampOf(earliest), context);
    }
    const lastEnd = maxTimestampOf(windows[0]!);
    this.#register(REMOVE, pane, lastEnd + this.#latenessMs, context);
  }

  #register(purpose: number, window: Window, at: number, context: OperatorContext): void {
    const namespace = new Uint8Array(17);
    namespace[0] = purpose;
    namespace.set(encodeWindow(window), 1);
    context.namespace = namespace;
    if (this.#assigner.time === "event") context.registerEventTimeTimer(at);
    else context.registerProcessingTimeTimer(at);
  }

  #hasRecords(pane: Window, context: OperatorContext): boolean {
    context.namespace = encodeWindow(pane);
    return !this.#contents.isEmpty(context);
  }

  /** Windows up to this moment have fired. */
  #now(context: OperatorContext): number {
    return this.#assigner.time === "event" ? context.watermark : context.processingTime - 1;
  }

  #paneAt(start: number): Window {
    return { start, end: start + this.#paneMs };
  }

  #panesOf({ start, end }: Window): Window[] {
    const panes: Window[] = [];
    for (let at = start; at < end; at += this.#paneMs) panes.push(this.#paneAt(at));
    return panes;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
