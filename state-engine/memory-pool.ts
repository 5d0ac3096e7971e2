/**
 * The memory of one isolate, shared out equally among the members alive in it. Members are held
 * weakly: an evicted object is never told that it is gone, only collected.
 */
import type { MemoryMember, MemoryPool } from "./environment.ts";

/** 80 of the isolate's 128 MiB: the rest is code, requests under way and garbage not yet collected. */
export const DEFAULT_POOL_BYTES = 80 * 1024 * 1024;

export class SharedMemoryPool implements MemoryPool {
  readonly limitBytes: number;
  #members: WeakRef<MemoryMember>[] = [];
  #asked = 0;

  constructor(limitBytes = DEFAULT_POOL_BYTES) {
    this.limitBytes = limitBytes;
  }

  join(member: MemoryMember): void {
    this.#forgetCollected();
    this.#members.push(new WeakRef(member));
  }

  leave(member: MemoryMember): void {
    this.#members = this.#members.filter((reference) => {
      const other = reference.deref();
      return other !== undefined && other !== member;
    });
  }

  share(): number {
    // Collected members are looked for now and then: asking happens for every frame.
    if (this.#asked++ % 64 === 0) this.#forgetCollected();
    return Math.floor(this.limitBytes / Math.max(1, this.#members.length));
  }

  #forgetCollected(): void {
    this.#members = this.#members.filter((reference) => reference.deref() !== undefined);
  }
}
