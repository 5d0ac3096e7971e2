/**
 * Joins every left record with every right record of the same key, whenever they come. Both sides are
 * kept, so a TTL belongs here unless the number of records per key is small.
 */
import { listState, type StateOptions } from "../state/state-descriptor.ts";
import type { Key, KeyedOperator, KeyedOperatorLogic } from "./keyed-operator.ts";

export function streamJoinOperator<Left, Right, Out, K extends Key = Key>(
  uid: string,
  options: StateOptions,
  join: (left: Left, right: Right) => Out,
): KeyedOperator<[Left, Right], K, Out> {
  const leftState = listState<Left>(`${uid}-left`, undefined, options);
  const rightState = listState<Right>(`${uid}-right`, undefined, options);
  return {
    kind: "streamJoin",
    inputs: 2,
    output: "records",
    states: [leftState, rightState],
    create(setup): KeyedOperatorLogic {
      const lefts = setup.state(leftState);
      const rights = setup.state(rightState);
      return {
        process(input, record, context) {
          if (input === 0) {
            lefts.add(record as Left);
            for (const right of rights.get()) context.emit(join(record as Left, right));
          } else {
            rights.add(record as Right);
            for (const left of lefts.get()) context.emit(join(left, record as Right));
          }
        },
      };
    },
  };
}
