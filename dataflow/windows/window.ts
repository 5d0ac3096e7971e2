/**
 * A window: the time from `start` (included) to `end` (excluded), ms since the epoch. Its sixteen
 * bytes are the namespace of its state and timers. The global window reaches from -Infinity to Infinity.
 */
import { TIMESTAMP_BYTES, readTimestamp, writeTimestamp } from "../time/timestamp.ts";

export const WINDOW_BYTES = 2 * TIMESTAMP_BYTES;

export interface Window {
  readonly start: number;
  readonly end: number;
}

export const globalWindow: Window = { start: -Infinity, end: Infinity };

/** The last moment that belongs to it: the timestamp of its results. */
export function maxTimestampOf(window: Window): number {
  return window.end - 1;
}

export function encodeWindow({ start, end }: Window): Uint8Array {
  const bytes = new Uint8Array(WINDOW_BYTES);
  writeTimestamp(start, bytes, 0);
  writeTimestamp(end, bytes, TIMESTAMP_BYTES);
  return bytes;
}

export function decodeWindow(bytes: Uint8Array): Window {
  return { start: readTimestamp(bytes, 0), end: readTimestamp(bytes, TIMESTAMP_BYTES) };
}

/** Start of the window of `size` that holds `timestamp`, windows being shifted by `offset`. Flink's formula, also right before the epoch. */
export function windowStart(timestamp: number, offset: number, size: number): number {
  const remainder = (timestamp - offset) % size;
  return timestamp - (remainder < 0 ? remainder + size : remainder);
}
