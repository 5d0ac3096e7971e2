/**
 * The largest key: as long as the longest line, so that a line is always a key. Keys stand in every
 * state entry, timer and table index, so large ones cost several times over.
 */

export const MAX_KEY_BYTES = 1024 * 1024;

/** Throws RangeError for a key of more than MAX_KEY_BYTES. */
export function checkKeyBytes(length: number, vertex: string): void {
  if (length <= MAX_KEY_BYTES) return;
  throw new RangeError(
    `keyBy before "${vertex}" answered a key of ${length} bytes; the limit is ${MAX_KEY_BYTES}. ` +
      `Use a shorter key, such as a hash of it.`,
  );
}
