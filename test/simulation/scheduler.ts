/**
 * The only source of progress in a simulation. Everything that takes time is an event here; one event
 * runs, then every promise reaction it set free, then the next. The clock jumps to the next event.
 *
 * Promise: with the same events scheduled in the same order, a run repeats bit for bit. Nothing in a
 * simulated object may wait for anything else (real timers, real I/O).
 */
import { drainMicrotasks } from "../support/manual-clock.ts";
import { textOf, Trace } from "./trace.ts";

/** What an event is called in the trace. As a function it is asked when the event runs and a trace is kept. */
export type Label = string | (() => string);

export interface ScheduledEvent {
  cancel(): void;
}

interface Event {
  readonly time: number;
  readonly order: number;
  readonly label: Label;
  readonly run: () => void;
  cancelled: boolean;
}

export class Scheduler {
  readonly trace: Trace;
  #now = Date.UTC(2026, 0, 1);
  #order = 0;
  #live = 0;
  readonly #heap: Event[] = [];

  constructor(trace: Trace = new Trace()) {
    this.trace = trace;
  }

  /** Milliseconds since the epoch. Stands still while an event runs. */
  now(): number {
    return this.#now;
  }

  /** Runs `run` after `delayMs`; events of the same instant run in the order they were scheduled. */
  schedule(delayMs: number, label: Label, run: () => void): ScheduledEvent {
    const time = this.#now + Math.max(0, delayMs);
    const event: Event = { time, order: this.#order++, label, run, cancelled: false };
    this.#live++;
    push(this.#heap, event);
    return { cancel: () => this.#cancel(event) };
  }

  /** Runs the next event and all it sets free. False when there is none. */
  async step(): Promise<boolean> {
    if (this.#live === 0) await drainMicrotasks();
    const event = this.#next();
    if (event === undefined) return false;
    this.#now = event.time;
    this.trace.record(event.time, event.label);
    event.cancelled = true;
    this.#live--;
    event.run();
    await drainMicrotasks();
    return true;
  }

  /** Whether no event comes within so much time, nor is set free by what can still run. */
  async isQuietFor(milliseconds: number): Promise<boolean> {
    const isQuiet = (): boolean => (this.#soonest()?.time ?? Infinity) - this.#now > milliseconds;
    if (!isQuiet()) return false;
    await drainMicrotasks();
    return isQuiet();
  }

  #soonest(): Event | undefined {
    while (this.#heap[0]?.cancelled === true) pop(this.#heap);
    return this.#heap[0];
  }

  /** Writes a line that belongs to the event being run. */
  note(line: string): void {
    this.trace.record(this.#now, `  ${line}`);
  }

  get pending(): number {
    return this.#live;
  }

  /** Labels of the events waiting, soonest first. */
  waiting(limit: number): readonly string[] {
    const events = this.#heap.filter((event) => !event.cancelled);
    events.sort((one, other) => (isBefore(one, other) ? -1 : 1));
    return events.slice(0, limit).map((event) => `${event.time} ${textOf(event.label)}`);
  }

  #cancel(event: Event): void {
    if (event.cancelled) return;
    event.cancelled = true;
    this.#live--;
  }

  #next(): Event | undefined {
    let event = pop(this.#heap);
    while (event?.cancelled === true) event = pop(this.#heap);
    return event;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.time < other.time || (one.time === other.time && one.order < other.order);
}

function push(heap: Event[], event: Event): void {
  let index = heap.length;
  heap.push(event);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!isBefore(event, heap[parent]!)) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let index = 0;
  for (let child = 1; child < heap.length; child = 2 * index + 1) {
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
  return first;
}
