/**
 * Points in time: whole milliseconds since the epoch, with -Infinity before all of them (no watermark
 * yet) and Infinity after (the end of the input). As bytes they are eight and sort as they do.
 */
import { keyCodecs } from "../../state-engine/state/key-codec.ts";

export const TIMESTAMP_BYTES = 8;

/** Writes eight bytes at `offset`. Throws RangeError for anything that is not a point in time. */
export function writeTimestamp(timestamp: number, target: Uint8Array, offset: number): void {
  if (timestamp === Infinity || timestamp === -Infinity) {
    target.fill(timestamp > 0 ? 0xff : 0, offset, offset + TIMESTAMP_BYTES);
    return;
  }
  if (!Number.isSafeInteger(timestamp)) {
    throw new RangeError(
      `${timestamp} is not a timestamp. Write whole milliseconds since the epoch, ` +
        `for instance Math.trunc(...) or date.getTime().`,
    );
  }
  keyCodecs.integer.write(timestamp, target, offset);
}

export function readTimestamp(bytes: Uint8Array, offset: number): number {
  const high = bytes[offset]!;
  if (high === 0xff) return Infinity;
  if (high === 0) return -Infinity;
  return keyCodecs.integer.read(bytes.subarray(offset, offset + TIMESTAMP_BYTES)) as number;
}

/**
 * A watermark as JSON keeps it, which knows no Infinity: the end of the input stands as the largest whole
 * number that a timestamp can be.
 */
export function storedWatermark(watermark: number): number {
  return watermark === Infinity ? Number.MAX_SAFE_INTEGER : watermark;
}

export function restoredWatermark(stored: number): number {
  return stored === Number.MAX_SAFE_INTEGER ? Infinity : stored;
}

export function encodeTimestamp(timestamp: number): Uint8Array {
  const bytes = new Uint8Array(TIMESTAMP_BYTES);
  writeTimestamp(timestamp, bytes, 0);
  return bytes;
}
