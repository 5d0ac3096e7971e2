/**
 * The Nexmark event stream in the order of arrival: event time advances evenly, events change places within
 * groups (Flink's and Beam's out-of-order groups), and now and then one is held back for up to a few seconds
 * (Beam's delayed events). Deterministic; holds in memory only the events held back.
 */
import { Channels } from "./channels.ts";
import type { NexmarkEvent } from "./event.ts";
import type { GeneratorOptions } from "./generator-options.ts";
import { OUT_OF_ORDER_MULTIPLIER, resolveGeneratorOptions } from "./generator-options.ts";
import { eventTimeMs, makeEvent } from "./make-event.ts";
import { SeededRandom } from "./seeded-random.ts";

/** Every event once. Throws a RangeError for options no stream can be made with. */
export function* generateEvents(options: Partial<GeneratorOptions> = {}): Generator<NexmarkEvent> {
  const resolved = resolveGeneratorOptions(options);
  const context = {
    options: resolved,
    channels: new Channels(resolved.seed),
    random: new SeededRandom(),
  };
  const heldBack = new HeldBackEvents(resolved);
  for (let position = 0; position < resolved.eventCount; position++) {
    yield* heldBack.releaseUpTo(eventTimeMs(resolved, position));
    const event = makeEvent(context, eventNumberAt(resolved, position));
    if (!heldBack.holdBack(event, position)) yield event;
  }
  yield* heldBack.releaseUpTo(Number.POSITIVE_INFINITY);
}

/** The stream as lines of NDJSON, without line ends. */
export function* generateLines(options: Partial<GeneratorOptions> = {}): Generator<string> {
  for (const event of generateEvents(options)) yield JSON.stringify(event);
}

/** The number of the event that stands at a position. The last group is shuffled only if it is whole. */
function eventNumberAt(options: GeneratorOptions, position: number): number {
  const groupSize = options.outOfOrderGroupSize;
  const groupStart = Math.floor(position / groupSize) * groupSize;
  if (groupStart + groupSize > options.eventCount) return position;
  return groupStart + ((position * OUT_OF_ORDER_MULTIPLIER) % groupSize);
}

/** Keeps chosen events until the stream's event time has passed the instant they are due. */
class HeldBackEvents {
  readonly #options: GeneratorOptions;
  readonly #random = new SeededRandom();
  readonly #eventsByDueMs = new Map<number, NexmarkEvent[]>();
  #releasedUpToMs: number;
  #latestDueMs: number;

  constructor(options: GeneratorOptions) {
    this.#options = options;
    this.#releasedUpToMs = options.baseTimeMs;
    this.#latestDueMs = options.baseTimeMs;
  }

  /** Decides by the position's own random numbers, and keeps the event if it is to come late. */
  holdBack(event: NexmarkEvent, position: number): boolean {
    this.#random.reseed(this.#options.seed ^ DELAY_SEED, position);
    if (this.#random.nextFraction() >= this.#options.delayedEventProbability) return false;
    const delayMs = 1 + this.#random.nextInteger(this.#options.occasionalDelayMs);
    const dueMs = eventTimeMs(this.#options, position) + delayMs;
    const due = this.#eventsByDueMs.get(dueMs);
    if (due === undefined) this.#eventsByDueMs.set(dueMs, [event]);
    else due.push(event);
    this.#latestDueMs = Math.max(this.#latestDueMs, dueMs);
    return true;
  }

  *releaseUpTo(timeMs: number): Generator<NexmarkEvent> {
    const endMs = Math.min(timeMs, this.#latestDueMs);
    while (this.#releasedUpToMs < endMs) {
      this.#releasedUpToMs++;
      const due = this.#eventsByDueMs.get(this.#releasedUpToMs);
      if (due === undefined) continue;
      yield* due;
      this.#eventsByDueMs.delete(this.#releasedUpToMs);
    }
    if (timeMs > this.#releasedUpToMs && timeMs !== Number.POSITIVE_INFINITY) {
      this.#releasedUpToMs = timeMs;
    }
  }
}

/** Keeps the choice of late events apart from the events' own random numbers. */
const DELAY_SEED = 0x64656c61;
