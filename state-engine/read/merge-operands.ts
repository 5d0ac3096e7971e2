/**
 * Which operator folds the operands of a state.
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
