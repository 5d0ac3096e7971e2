/**
 * The merge operators of list states: operands are encoded elements (list-elements.ts), the value is all of
 * them one after the other. So adding to a list reads nothing, however long it is.
 */
import type { MergeOperator } from "../../state-engine/index.ts";
import { aliveElements } from "./list-elements.ts";

export const listAppend: MergeOperator = {
  name: "list-append",
  concatenates: true,
  combine: concatenate,
  apply: (base, operand) => (base === undefined ? operand : concatenate(base, operand)),
};

/** Of lists whose elements have deadlines in the store's time: those past theirs do not stay for ever beside new ones. */
export const expiringListAppend: MergeOperator = { ...listAppend, prune: aliveElements };

function concatenate(older: Uint8Array, newer: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(older.length + newer.length);
  bytes.set(older);
  bytes.set(newer, older.length);
  return bytes;
}
