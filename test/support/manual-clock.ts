/**
 * A clock that stands still until the test moves it. Callbacks run in order of their time, then of
 * their scheduling; between two of them every promise reaction that can run has run.
 */
export interface ScheduledCallback {
  cancel(): void;
}

interface Entry {
  readonly time: number;
  readonly order: number;
  readonly callback: () => void;
}

export class ManualClock {
  #now: number;
  #order = 0;
  #entries: Entry[] = [];

  constructor(startTime = Date.UTC(2026, 0, 1)) {
    this.#now = startTime;
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#now;
  }

  /** Runs `callback` when the clock reaches `time` (at the next advance when it has already). */
  schedule(time: number, callback: () => void): ScheduledCallback {
    const entry = { time, order: this.#order++, callback };
    this.#entries.push(entry);
    return { cancel: () => void (this.#entries = this.#entries.filter((one) => one !== entry)) };
  }

  /** Callbacks not yet run nor cancelled. */
  get pending(): number {
    return this.#entries.length;
  }

  /** Moves the clock on, running everything that falls due on the way. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await drainMicrotasks();
    for (let entry = this.#nextUntil(end); entry !== undefined; entry = this.#nextUntil(end)) {
      this.#entries = this.#entries.filter((one) => one !== entry);
      this.#now = Math.max(this.#now, entry.time);
      entry.callback();
      await drainMicrotasks();
    }
    this.#now = end;
  }

  #nextUntil(end: number): Entry | undefined {
    let next: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.time > end) continue;
      if (next === undefined || entry.time < next.time) next = entry;
    }
    return next;
  }
}

/**
 * Resolves after every promise reaction that can run without I/O has run: the queue of microtasks is
 * empty before an immediate runs.
 */
export function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
