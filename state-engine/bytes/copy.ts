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
 * copyBytes between views of the two arrays, eight bytes at a time: for values of tens to hundreds of
 * bytes twice as fast, and nothing is allocated.
 */
export function copyThroughViews(
  source: DataView,
  offset: number,
  length: number,
  target: DataView,
  at: number,
): void {
  let index = 0;
  for (; index + 8 <= length; index += 8) {
    target.setBigUint64(at + index, source.getBigUint64(offset + index, true), true);
  }
  for (; index < length; index++) target.setUint8(at + index, source.getUint8(offset + index));
}

/** From this length the platform's own copy is faster than any loop. */
export const LONG_COPY_BYTES = 320;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The same bytes as a plain Uint8Array. Node's Buffer is one too, but its slice() does not copy, and
 * bytes that came from outside may be Buffers.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
