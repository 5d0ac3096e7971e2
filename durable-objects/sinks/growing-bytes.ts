/** Bytes that records are appended to as lines. Doubles its buffer when it is full. */

const lineFeed = 0x0a;
const firstCapacity = 16 * 1024;

export class GrowingBytes {
  #buffer = new Uint8Array(firstCapacity);
  length = 0;

  /** The bytes from `begin` to `end`, and a line feed. */
  appendLine(bytes: Uint8Array, begin: number, end: number): void {
    const needed = this.length + end - begin + 1;
    if (needed > this.#buffer.length) this.#grow(needed);
    this.#buffer.set(bytes.subarray(begin, end), this.length);
    this.#buffer[needed - 1] = lineFeed;
    this.length = needed;
  }

  /** A copy of everything appended. */
  copy(): Uint8Array {
    return this.#buffer.slice(0, this.length);
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.length));
    this.#buffer = larger;
  }
}
