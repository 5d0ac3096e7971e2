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
  if (length > 32) {
    target.set(source.subarray(offset, offset + length), at);
    return;
  }
  for (let index = 0; index < length; index++) target[at + index] = source[offset + index]!;
}

/**
 * The same bytes as a plain Uint8Array. Node's Buffer is one too, but its slice() does not copy, and
 * bytes that came from outside may be Buffers.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
