/**
 * Joins every left record with the right records of the same key whose timestamps are within
 * [left + lowerMs, left + upperMs], both bounds included; event time, inner only (Flink's interval
 * join). A result has the later of the two timestamps.
 *
 * Records are kept by timestamp until the watermark says that no partner can come any more. Records
 * behind the watermark go to the late output of their side, or are dropped.
 */
import { structuredCodec } from "../codecs/structured-codec.ts";
import type { MapState } from "../state/keyed-state.ts";
import { mapState } from "../state/state-descriptor.ts";
import type { Key, KeyedOperator, KeyedOperatorLogic, OperatorContext } from "./keyed-operator.ts";
import type { OutputTag } from "./output-tag.ts";

export interface IntervalJoinOptions<Left, Right> {
  /** How much before (negative) or after the left record the right one may be, at the earliest. */
  readonly lowerMs: number;
  /** And at the latest. */
  readonly upperMs: number;
  readonly lateLeft?: OutputTag<Left>;
  readonly lateRight?: OutputTag<Right>;
}

/** Timer namespaces: which side's records of one timestamp to remove. */
const sideNamespaces = [Uint8Array.of(0), Uint8Array.of(1)] as const;
const noNamespace = new Uint8Array(0);

export function intervalJoinOperator<Left, Right, Out, K extends Key = Key>(
  uid: string,
  options: IntervalJoinOptions<Left, Right>,
  join: (left: Left, right: Right) => Out,
): KeyedOperator<[Left, Right], K, Out> {
  const { lowerMs, upperMs } = options;
  if (!Number.isSafeInteger(lowerMs) || !Number.isSafeInteger(upperMs) || lowerMs > upperMs) {
    throw new RangeError(
      `Interval join "${uid}" has the bounds ${lowerMs} to ${upperMs}. ` +
        `Write whole milliseconds, the lower bound first, such as -5000 and 5000.`,
    );
  }
  const buffers = [
    mapState(`${uid}-left`, "integer", structuredCodec<readonly unknown[]>()),
    mapState(`${uid}-right`, "integer", structuredCodec<readonly unknown[]>()),
  ] as const;
  return {
    kind: "intervalJoin",
    inputs: 2,
    output: "records",
    states: buffers,
    create(setup) {
      const states = [setup.state(buffers[0]), setup.state(buffers[1])] as const;
      return new IntervalJoin<Left, Right, Out>(options, join, states);
    },
  };
}

type Buffer = MapState<number, readonly unknown[]>;

class IntervalJoin<Left, Right, Out> implements KeyedOperatorLogic {
  readonly #options: IntervalJoinOptions<Left, Right>;
  readonly #join: (left: Left, right: Right) => Out;
  readonly #buffers: readonly [Buffer, Buffer];

  constructor(
    options: IntervalJoinOptions<Left, Right>,
    join: (left: Left, right: Right) => Out,
    buffers: readonly [Buffer, Buffer],
  ) {
    this.#options = options;
    this.#join = join;
    this.#buffers = buffers;
  }

  process(input: number, record: unknown, context: OperatorContext): void {
    const { timestamp, watermark } = context;
    if (timestamp === undefined) {
      throw new TypeError(
        "A record without a timestamp came to an interval join. Assign timestamps and watermarks before it.",
      );
    }
    const side = input === 0 ? 0 : 1;
    if (timestamp < watermark) return this.#emitLate(side, record, context);
    const own = this.#buffers[side];
    own.put(timestamp, [...(own.get(timestamp) ?? []), record]);
    const { from, to } = this.#reach(side, timestamp);
    const others = this.#buffers[side === 0 ? 1 : 0];
    for (const [otherTimestamp, partners] of others.entriesBetween(from, to)) {
      const joined = Math.max(timestamp, otherTimestamp);
      for (const partner of partners) {
        const [left, right] = side === 0 ? [record, partner] : [partner, record];
        context.emit(this.#join(left as Left, right as Right), joined);
      }
    }
    context.namespace = sideNamespaces[side];
    // No partner can come once the watermark has passed the last moment one may have.
    context.registerEventTimeTimer(Math.max(timestamp, to));
    context.namespace = noNamespace;
  }

  onTimer(timer: { readonly timestamp: number; readonly namespace: Uint8Array }): void {
    const side = timer.namespace[0] === 0 ? 0 : 1;
    const { lowerMs, upperMs } = this.#options;
    const keptForMs = Math.max(0, side === 0 ? upperMs : -lowerMs);
    this.#buffers[side].remove(timer.timestamp - keptForMs);
  }

  /** The timestamps partners of a record may have. */
  #reach(side: 0 | 1, timestamp: number): { readonly from: number; readonly to: number } {
    const { lowerMs, upperMs } = this.#options;
    return side === 0
      ? { from: timestamp + lowerMs, to: timestamp + upperMs }
      : { from: timestamp - upperMs, to: timestamp - lowerMs };
  }

  #emitLate(side: 0 | 1, record: unknown, context: OperatorContext): void {
    const tag = side === 0 ? this.#options.lateLeft : this.#options.lateRight;
    if (tag !== undefined) context.sideOutput(tag, record);
  }
}
