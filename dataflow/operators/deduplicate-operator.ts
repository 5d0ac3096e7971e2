/**
 * Lets the first record of each key pass and drops the others, for as long as the TTL remembers the
 * key. The memory is one byte a key; without a TTL it is kept for ever.
 */
import { int64Codec } from "../codecs/plain-codecs.ts";
import { valueState, type StateOptions } from "../state/state-descriptor.ts";
import type { Key, KeyedOperator, KeyedOperatorLogic } from "./keyed-operator.ts";

export function deduplicateOperator<T, K extends Key = Key>(
  uid: string,
  options: StateOptions = {},
): KeyedOperator<[T], K, T> {
  const seen = valueState(uid, int64Codec, options);
  return {
    kind: "deduplicate",
    inputs: 1,
    output: "records",
    states: [seen],
    create(setup): KeyedOperatorLogic {
      const state = setup.state(seen);
      return {
        process(_input, record, context) {
          if (state.get() !== undefined) return;
          state.update(1);
          context.emit(record);
        },
      };
    },
  };
}
