/**
 * The requests a runner has handed out and not yet settled, with the watermark each was taken in at:
 * results must not come after a watermark that was behind their record, so the runner's own
 * watermark waits for the oldest.
 */
import { encodeHex } from "../../state-engine/bytes/text.ts";

/** Unique within a partition. */
export function requestId(keyGroup: number, key: Uint8Array, sequence: number): string {
  return `${keyGroup}-${encodeHex(key)}-${sequence}`;
}

export class OpenRequests {
  /** Opened in order of watermark, so the first is the smallest. */
  readonly #watermarks = new Map<string, number>();

  get count(): number {
    return this.#watermarks.size;
  }

  open(id: string, watermark: number): void {
    this.#watermarks.set(id, watermark);
  }

  isOpen(id: string): boolean {
    return this.#watermarks.has(id);
  }

  settle(id: string): void {
    this.#watermarks.delete(id);
  }

  /** The watermark that may be passed on when `watermark` has come in. */
  hold(watermark: number): number {
    for (const oldest of this.#watermarks.values()) return Math.min(oldest, watermark);
    return watermark;
  }

  /** Replaces all, in any order. */
  restore(requests: readonly { readonly id: string; readonly watermark: number }[]): void {
    this.#watermarks.clear();
    const sorted = requests.toSorted((a, b) =>
      a.watermark === b.watermark ? 0 : a.watermark - b.watermark,
    );
    for (const { id, watermark } of sorted) this.#watermarks.set(id, watermark);
  }
}
