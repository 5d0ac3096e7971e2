/**
 * Timestamps and watermarks of a stream. A generator's state belongs to a position in the log and is
 * kept with it as text [13]: save() at any record, go on from there, and nothing is different.
 *
 *     watermarks.boundedOutOfOrderness<Order>(5_000, (order) => order.at).withIdleness(30_000)
 */
export interface WatermarkStrategy<T> {
  readonly name: string;
  /** Event time of a record, ms since the epoch. */
  readonly timestampOf: (record: T) => number;
  /** A generator at the beginning of a log, or at the position where `saved` was answered. */
  createGenerator(saved?: string): WatermarkGenerator<T>;
  /** A source silent for so long does not hold event time back any more [28]. */
  readonly idlenessMs: number;
  /** The same with another idleness. On by default, with one minute [28]. */
  withIdleness(idlenessMs: number): WatermarkStrategy<T>;
}

export interface WatermarkGenerator<T> {
  onRecord(timestamp: number, record: T): void;
  /** "No record at or before this time is expected any more"; -Infinity for nothing yet. */
  readonly watermark: number;
  /** The state at this position. */
  save(): string;
}

/** A rule with a state of its own, kept as JSON. Its functions must be pure. */
export interface CustomWatermarks<T, State> {
  readonly initialState: State;
  onRecord(state: State, timestamp: number, record: T): State;
  watermarkOf(state: State): number;
}

const DEFAULT_IDLENESS_MS = 60_000;

export const watermarks = {
  /** Records may be late against the latest one by up to `outOfOrdernessMs`. */
  boundedOutOfOrderness<T>(
    outOfOrdernessMs: number,
    timestampOf: (record: T) => number,
  ): WatermarkStrategy<T> {
    if (!Number.isSafeInteger(outOfOrdernessMs) || outOfOrdernessMs < 0) {
      throw new RangeError(
        `The out-of-orderness is ${outOfOrdernessMs}. Write whole milliseconds, at least 0.`,
      );
    }
    return strategy(`bounded(${outOfOrdernessMs})`, timestampOf, (saved) =>
      latestTimestampMinus(outOfOrdernessMs + 1, saved),
    );
  },

  /** Timestamps never go back within a source. */
  monotonousTimestamps<T>(timestampOf: (record: T) => number): WatermarkStrategy<T> {
    return strategy("monotonous", timestampOf, (saved) => latestTimestampMinus(1, saved));
  },

  /** Timestamps but no watermarks: event-time windows fire only at the end of the input. */
  none<T>(timestampOf: (record: T) => number): WatermarkStrategy<T> {
    const generator = { onRecord: () => undefined, watermark: -Infinity, save: () => "" };
    return strategy("none", timestampOf, () => generator);
  },

  /** Any rule, for instance watermarks that stand in the records themselves (punctuated). */
  custom<T, State>(
    timestampOf: (record: T) => number,
    rule: CustomWatermarks<T, State>,
  ): WatermarkStrategy<T> {
    return strategy("custom", timestampOf, (saved) => {
      let [state, watermark] =
        saved === undefined
          ? [rule.initialState, -Infinity]
          : readSaved(JSON.parse(saved) as readonly [State, number | null]);
      return {
        onRecord(timestamp, record) {
          state = rule.onRecord(state, timestamp, record);
          watermark = Math.max(watermark, rule.watermarkOf(state));
        },
        get watermark() {
          return watermark;
        },
        save: () => JSON.stringify([state, watermark]),
      };
    });
  },
};

/** JSON writes -Infinity as null. */
function readSaved<State>([state, watermark]: readonly [State, number | null]): [State, number] {
  return [state, watermark ?? -Infinity];
}

function latestTimestampMinus(milliseconds: number, saved = ""): WatermarkGenerator<unknown> {
  let latest = saved === "" ? -Infinity : Number(saved);
  return {
    onRecord(timestamp) {
      if (timestamp > latest) latest = timestamp;
    },
    get watermark() {
      return latest - milliseconds;
    },
    save: () => (latest === -Infinity ? "" : String(latest)),
  };
}

function strategy<T>(
  name: string,
  timestampOf: (record: T) => number,
  createGenerator: (saved?: string) => WatermarkGenerator<T>,
  idlenessMs = DEFAULT_IDLENESS_MS,
): WatermarkStrategy<T> {
  return {
    name,
    timestampOf,
    createGenerator,
    idlenessMs,
    withIdleness(milliseconds) {
      if (!Number.isSafeInteger(milliseconds) || milliseconds < 1) {
        throw new RangeError(
          `The idleness is ${milliseconds}. Write whole milliseconds, at least 1.`,
        );
      }
      return strategy(name, timestampOf, createGenerator, milliseconds);
    },
  };
}
