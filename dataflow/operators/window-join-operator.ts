/**
 * Joins two streams window by window: every left record with every right record of the same key and
 * window (Flink's window join, inner), or all of both at once (coGroup, which also sees windows where
 * one side is empty).
 */
import type { OutputTag } from "./output-tag.ts";
import type { Key, KeyedOperator } from "./keyed-operator.ts";
import type { SessionWindows, SlidingWindows, TumblingWindows } from "../windows/assigners.ts";
import { windowProcessOperator } from "../windows/window-operators.ts";
import type { WindowContext } from "../windows/window-definition.ts";

/** A record with the input it came by: 0 left, 1 right. */
export interface SidedRecord<Left, Right> {
  readonly side: 0 | 1;
  readonly record: Left | Right;
}

export interface JoinWindowing<Left, Right> {
  readonly assigner: TumblingWindows | SlidingWindows | SessionWindows<SidedRecord<Left, Right>>;
  readonly allowedLatenessMs?: number;
  readonly lateOutput?: OutputTag<SidedRecord<Left, Right>>;
}

export function windowJoinOperator<Left, Right, Out, K extends Key = Key>(
  uid: string,
  windowing: JoinWindowing<Left, Right>,
  join: (left: Left, right: Right) => Out,
): KeyedOperator<[Left, Right], K, Out> {
  return coGroupOperator<Left, Right, Out, K>(uid, windowing, (lefts, rights) =>
    lefts.flatMap((left) => rights.map((right) => join(left, right))),
  );
}

export function coGroupOperator<Left, Right, Out, K extends Key = Key>(
  uid: string,
  windowing: JoinWindowing<Left, Right>,
  group: (
    lefts: readonly Left[],
    rights: readonly Right[],
    context: WindowContext<K>,
  ) => Iterable<Out>,
): KeyedOperator<[Left, Right], K, Out> {
  type Sided = SidedRecord<Left, Right>;
  const windows = windowProcessOperator<Sided, Out, K>(uid, windowing, (records, context) => {
    const lefts = records.filter(({ side }) => side === 0).map(({ record }) => record as Left);
    const rights = records.filter(({ side }) => side === 1).map(({ record }) => record as Right);
    return group(lefts, rights, context);
  });
  return {
    kind: "windowJoin",
    inputs: 2,
    output: "records",
    states: windows.states,
    windowStates: windows.windowStates!,
    create(setup) {
      const logic = windows.create(setup);
      return {
        process: (side, record, context) => logic.process(0, { side, record }, context),
        onTimer: (timer, context) => logic.onTimer!(timer, context),
      };
    },
  };
}
