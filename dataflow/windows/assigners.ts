/**
 * Which windows a record belongs to. Names, meaning and arithmetic are Flink's. `time`: "event" goes
 * by the record's timestamp, "processing" by the partition's time [15].
 */
import { globalWindow, windowStart, type Window } from "./window.ts";

export type WindowTime = "event" | "processing";

export type WindowAssigner<T> =
  | TumblingWindows
  | SlidingWindows
  | SessionWindows<T>
  | GlobalWindows;

export interface TumblingWindows {
  readonly kind: "tumbling";
  readonly time: WindowTime;
  readonly sizeMs: number;
  readonly offsetMs: number;
}

export interface SlidingWindows {
  readonly kind: "sliding";
  readonly time: WindowTime;
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}

export interface SessionWindows<T> {
  readonly kind: "session";
  readonly time: WindowTime;
  /** Milliseconds without a record after which a session is over. */
  readonly gapMs: (record: T) => number;
}

export interface GlobalWindows {
  readonly kind: "global";
  readonly time: WindowTime;
}

export interface TimeOptions {
  /** Default "event". */
  readonly time?: WindowTime;
  /** Shifts all windows, for instance to days of another time zone. Its size must be below the window's (or slide's). */
  readonly offsetMs?: number;
}

export function tumblingWindows(sizeMs: number, options: TimeOptions = {}): TumblingWindows {
  const { time = "event", offsetMs = 0 } = options;
  checkSize("sizeMs", sizeMs);
  checkOffset(offsetMs, sizeMs);
  return { kind: "tumbling", time, sizeMs, offsetMs };
}

/** A record belongs to every window that holds its time: `sizeMs / slideMs` of them. */
export function slidingWindows(
  sizeMs: number,
  slideMs: number,
  options: TimeOptions = {},
): SlidingWindows {
  const { time = "event", offsetMs = 0 } = options;
  checkSize("sizeMs", sizeMs);
  checkSize("slideMs", slideMs);
  checkOffset(offsetMs, slideMs);
  return { kind: "sliding", time, sizeMs, slideMs, offsetMs };
}

/** Sessions of records closer than the gap; a function gives each record a gap of its own. */
export function sessionWindows<T>(
  gapMs: number | ((record: T) => number),
  options: Pick<TimeOptions, "time"> = {},
): SessionWindows<T> {
  const { time = "event" } = options;
  if (typeof gapMs === "function") return { kind: "session", time, gapMs };
  checkSize("gapMs", gapMs);
  return { kind: "session", time, gapMs: () => gapMs };
}

/** One window for ever. Nothing fires without a trigger of your own. */
export function globalWindows(): GlobalWindows {
  return { kind: "global", time: "event" };
}

/** The windows of a record at `timestamp`, the latest first. */
export function assignWindows<T>(
  assigner: WindowAssigner<T>,
  record: T,
  timestamp: number,
): readonly Window[] {
  switch (assigner.kind) {
    case "tumbling": {
      const start = windowStart(timestamp, assigner.offsetMs, assigner.sizeMs);
      return [{ start, end: start + assigner.sizeMs }];
    }
    case "sliding": {
      const { sizeMs, slideMs, offsetMs } = assigner;
      const windows: Window[] = [];
      let start = windowStart(timestamp, offsetMs, slideMs);
      for (; start > timestamp - sizeMs; start -= slideMs) {
        windows.push({ start, end: start + sizeMs });
      }
      return windows;
    }
    case "session": {
      const gapMs = assigner.gapMs(record);
      checkSize("The session gap of a record", gapMs);
      return [{ start: timestamp, end: timestamp + gapMs }];
    }
    case "global":
      return [globalWindow];
  }
}

function checkSize(name: string, milliseconds: number): void {
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 1) {
    throw new RangeError(`${name} is ${milliseconds}. Write whole milliseconds, at least 1.`);
  }
}

function checkOffset(offsetMs: number, sizeMs: number): void {
  if (!Number.isSafeInteger(offsetMs) || Math.abs(offsetMs) >= sizeMs) {
    throw new RangeError(
      `offsetMs is ${offsetMs}. Write whole milliseconds between -${sizeMs} and ${sizeMs}.`,
    );
  }
}
