/** What every frame's head has in common (frame.ts, record-frame.ts): version, payload kind, number of records. */

/** An empty frame only moves a position or a watermark: it is the same for every kind. */
export function isEmptyFrame(frame: Uint8Array): boolean {
  return frame.length === 3 && frame[2] === 0;
}
