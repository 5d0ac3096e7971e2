/**
 * The merge operators the engine brings. Each is exact and does not depend on the order of operands.
 */
import { encodeInt64Words, int64High, int64Low } from "../bytes/int64.ts";
import type { MergeOperator } from "../options.ts";

/** Adds 64-bit integers, wrapping at 64 bits. Operand and value: bytes/int64.ts. Nothing counts as 0. */
export const int64Addition: MergeOperator = {
  name: "int64-addition",
  combine: add,
  apply: (base, operand) => (base === undefined ? operand : add(base, operand)),
};

function add(left: Uint8Array, right: Uint8Array): Uint8Array {
  const low = int64Low(left, 0, left.length) + int64Low(right, 0, right.length);
  const carry = low > 0xffff_ffff ? 1 : 0;
  const high = int64High(left, 0, left.length) + int64High(right, 0, right.length) + carry;
  return encodeInt64Words(high | 0, low >>> 0);
}
