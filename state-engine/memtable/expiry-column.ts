/**
 * When the entries of a memtable expire, by number of the entry. Takes no memory until one does.
 */
import { freeBytes } from "../bytes/free.ts";

export class ExpiryColumn {
  #times: Float64Array | undefined;

  get isEmpty(): boolean {
    return this.#times === undefined;
  }

  get usedBytes(): number {
    return (this.#times?.length ?? 0) * 8;
  }

  /** Infinity for never. */
  of(entry: number): number {
    return this.#times === undefined ? Infinity : this.#times[entry]!;
  }

  /** `capacity`: entries there is room for at the moment. */
  set(entry: number, expiresAt: number, capacity: number): void {
    if (expiresAt !== Infinity) this.#times ??= new Float64Array(capacity).fill(Infinity);
    if (this.#times) this.#times[entry] = expiresAt;
  }

  grow(capacity: number): void {
    const older = this.#times;
    if (older === undefined) return;
    this.#times = new Float64Array(capacity).fill(Infinity);
    this.#times.set(older);
    freeBytes(older);
  }

  free(): void {
    if (this.#times) freeBytes(this.#times);
  }
}
