/**
 * Copies bytes between arrays. For a few bytes a loop beats set(), whose view costs more than the copy.
 */
export function copyBytes(
  source: Uint8Array,
  offset: number,
  length: number,
  target: Uint8Array,
  at: number,
): void {
  if (length > 48) {
    target.set(source.subarray(offset, offset + length), at);
    return;
  }
  for (let index = 0; index < length; index++) target[at + index] = source[offset + index]!;
}
