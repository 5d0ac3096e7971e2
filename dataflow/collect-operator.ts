/**
 * Passes records on as they are. The vertex of a job whose stateless operators end in an output:
 * output is held and acknowledged by partitions, so records go through one.
 */
import type { KeyedOperator } from "./operators/keyed-operator.ts";

export function collectOperator<T>(): KeyedOperator<[T], string, T> {
  return {
    kind: "collect",
    inputs: 1,
    output: "records",
    states: [],
    create: () => ({ process: (_input, record, context) => context.emit(record) }),
  };
}
