/**
 * Which operator folds the operands of a state, and what of its values is left as time goes by.
 */
import { StateEngineError } from "../errors.ts";
import type { MergeOperator } from "../options.ts";

export function operatorOf(
  operators: ReadonlyMap<number, MergeOperator>,
  stateId: number,
): MergeOperator {
  const operator = operators.get(stateId);
  if (operator === undefined) {
    throw new StateEngineError(
      "invalid",
      `State ${stateId} has no merge operator for its operands: name the one they are written with in mergeOperators.`,
    );
  }
  return operator;
}

/** Whether values of any state have parts that expire by themselves. */
export function prunesValues(operators: ReadonlyMap<number, MergeOperator>): boolean {
  return [...operators.values()].some((operator) => "prune" in operator);
}

/** What is left at `time` of a value or an operand of a state: the same array when all of it is. */
export function prunedValue(
  operators: ReadonlyMap<number, MergeOperator>,
  stateId: number,
  value: Uint8Array,
  time: number,
): Uint8Array {
  return operators.get(stateId)?.prune?.(value, time) ?? value;
}
