/** Asks a user's key selector, and says whose it is when it throws. */
import { OperatorFailure } from "./operator-failure.ts";

export function selectKey(
  select: (record: unknown) => unknown,
  record: unknown,
  vertex: string,
): unknown {
  try {
    return select(record);
  } catch (error) {
    throw OperatorFailure.of(keyByLabel(vertex), error);
  }
}

/** What is to blame for a key, or for a record that cannot travel to its owner. */
export function keyByLabel(vertex: string): string {
  return `keyBy before "${vertex}"`;
}
