/**
 * Where keyed operators keep state: entries of bytes, sorted by state key (key group ‖ state id ‖
 * key ‖ sub-key, state-engine/state/state-key.ts), read without waiting. One partition's operators
 * see one store; the engine is behind it in production, a sorted array in tests.
 *
 * Promise: a read answers the newest write or throws `notResident`; it never answers less than all.
 */
export interface KeyedStateStore {
  /** The value, or undefined. A view, good until the next write: copy what must live longer. Throws notResident. */
  get(key: Uint8Array): Uint8Array | undefined;
  /**
   * At most `limit` entries from `start` (included) to `end` (excluded), in order of key. Views, good
   * until the next write. Throws notResident.
   */
  scan(start: Uint8Array, end: Uint8Array, limit: number): readonly StateEntry[];
  /** Keys and values are kept as they are: they must not change afterwards. `expiresAt`: see advanceTime; Infinity for never. */
  put(key: Uint8Array, value: Uint8Array, expiresAt: number): void;
  delete(key: Uint8Array): void;
  /** Adds an operand for the merge operator of the key's state. The value lives until its last operand expires. */
  merge(key: Uint8Array, operand: Uint8Array, expiresAt: number): void;
  /** The partition's time [15]. An entry whose expiresAt it has reached does not exist any more. Never goes back. */
  advanceTime(time: number): void;
  /** False when more was written than there is room for so far: fetchMissing() makes it, before the next record. */
  readonly hasRoom: boolean;
  /** Makes resident everything that reads found missing since the last call. The same reads then succeed. */
  fetchMissing(): Promise<void>;
}

export interface StateEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * Thrown by a read whose bytes are not in memory. The runner drops what the record has done so far,
 * fetches, and runs the record again, so operators must have no effects except through their context.
 * User functions never see it usefully: a record that caught it is run again all the same.
 */
class NotResident extends Error {
  override readonly name = "NotResident";
}

/** The one instance, so that throwing it costs no stack trace. */
export const notResident: Error = new NotResident(
  "This state is not in memory yet. The record is run again once it is: let this pass.",
);
