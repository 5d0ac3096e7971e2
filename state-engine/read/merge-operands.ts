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
      `State ${stateId} holds merge operands, and mergeOperators has no operator for it: name the one it was written with.`,
    );
  }
  return operator;
}
