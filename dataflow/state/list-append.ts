/**
 * The merge operator of list states: operands are encoded elements, the value is all of them one
 * after the other. So adding to a list reads nothing, however long it is.
 */
import type { MergeOperator } from "../../state-engine/index.ts";

export const listAppend: MergeOperator = {
  name: "list-append",
  concatenates: true,
  combine: concatenate,
  apply: (base, operand) => (base === undefined ? operand : concatenate(base, operand)),
};

function concatenate(older: Uint8Array, newer: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(older.length + newer.length);
  bytes.set(older);
  bytes.set(newer, older.length);
  return bytes;
}
