/**
 * The active memtable and the frozen ones waiting for their flush, newest first. Freezing is O(1):
 * the active one stops changing and an empty one takes its place.
 */
import type { MergeOperator } from "../options.ts";
import { Memtable } from "./memtable.ts";

/** Small memtables that wait together: every point read asks each of them. */
const MOST_SMALL = 8;

export class MemtableSet {
  readonly #mergeOperators: ReadonlyMap<number, MergeOperator>;
  #active: Memtable;
  #frozen: readonly Memtable[] = [];
  #all: readonly Memtable[];
  /** Memtables frozen for a reader, not because they were full: they may wait for one that is. */
  readonly #small = new Set<Memtable>();
  /** Raised by each barrier; memtables of different groups are never flushed together. */
  #group = 0;
  readonly #groups = new Map<Memtable, number>();

  constructor(sequence: number, mergeOperators: ReadonlyMap<number, MergeOperator>) {
    this.#mergeOperators = mergeOperators;
    this.#active = new Memtable(sequence, mergeOperators);
    this.#all = [this.#active];
  }

  get active(): Memtable {
    return this.#active;
  }

  /** Newest first, the active one included. */
  get all(): readonly Memtable[] {
    return this.#all;
  }

  get frozen(): readonly Memtable[] {
    return this.#frozen;
  }

  /** Runs that the frozen ones become, unless some are flushed before others of their group are frozen. */
  get groups(): number {
    return new Set(this.#groups.values()).size;
  }

  get usedBytes(): number {
    return this.#all.reduce((sum, memtable) => sum + memtable.usedBytes, 0);
  }

  /** Freezes the active memtable unless it is empty. `isFull`: it is worth a table. */
  rotate(time: number, isFull: boolean): void {
    if (this.#active.isEmpty) return;
    this.#active.freeze();
    if (!isFull) this.#small.add(this.#active);
    this.#groups.set(this.#active, this.#group);
    this.#frozen = [this.#active, ...this.#frozen];
    this.#active = new Memtable(this.#active.lastSequence, this.#mergeOperators);
    this.#active.time = time;
    this.#all = [this.#active, ...this.#frozen];
  }

  /** What is frozen now is flushed apart from what comes later. */
  beginGroup(): void {
    this.#group++;
  }

  /**
   * Whether something should be flushed: what a barrier closed, what is full, and small ones when there are
   * many. A table each time a scan froze a few entries would be read, and merged, by everyone after it.
   */
  get isFlushDue(): boolean {
    const oldest = this.#frozen.at(-1);
    if (oldest === undefined) return false;
    if (this.#groups.get(oldest) !== this.#group || this.#frozen.length >= MOST_SMALL) return true;
    return this.#frozen.some((memtable) => !this.#small.has(memtable));
  }

  /** The oldest memtables that may become one table, newest first. */
  oldestGroup(): readonly Memtable[] {
    const oldest = this.#frozen.at(-1);
    if (oldest === undefined) return [];
    const group = this.#groups.get(oldest);
    return this.#frozen.filter((memtable) => this.#groups.get(memtable) === group);
  }

  remove(memtables: readonly Memtable[]): void {
    for (const memtable of memtables) {
      this.#groups.delete(memtable);
      this.#small.delete(memtable);
    }
    this.#frozen = this.#frozen.filter((memtable) => !memtables.includes(memtable));
    this.#all = [this.#active, ...this.#frozen];
  }
}
