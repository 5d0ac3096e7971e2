/**
 * Event-time windows as Flink assigns them: [start, end) in milliseconds, aligned to 1970-01-01T00:00Z.
 */

export interface Window {
  readonly windowStart: number;
  readonly windowEnd: number;
}

export function tumblingWindow(timeMs: number, sizeMs: number): Window {
  const windowStart = Math.floor(timeMs / sizeMs) * sizeMs;
  return { windowStart, windowEnd: windowStart + sizeMs };
}

/** All windows of a size that starts at every multiple of the slide and hold the instant. */
export function slidingWindows(timeMs: number, sizeMs: number, slideMs: number): Window[] {
  const windows: Window[] = [];
  const lastStart = Math.floor(timeMs / slideMs) * slideMs;
  for (let windowStart = lastStart; windowStart > timeMs - sizeMs; windowStart -= slideMs) {
    windows.push({ windowStart, windowEnd: windowStart + sizeMs });
  }
  return windows;
}

export interface Session extends Window {
  readonly count: number;
}

/**
 * Splits instants into sessions. Two neighbours share a session if they lie at most the gap apart (Flink merges
 * session windows that touch). A session ends a gap after its last instant.
 */
export function sessionsOf(timesMs: readonly number[], gapMs: number): Session[] {
  const sessions: { windowStart: number; windowEnd: number; count: number }[] = [];
  for (const timeMs of timesMs.toSorted((a, b) => a - b)) {
    const open = sessions.at(-1);
    if (open !== undefined && timeMs <= open.windowEnd) {
      open.windowEnd = timeMs + gapMs;
      open.count++;
    } else {
      sessions.push({ windowStart: timeMs, windowEnd: timeMs + gapMs, count: 1 });
    }
  }
  return sessions;
}
