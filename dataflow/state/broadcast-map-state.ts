/**
 * A map that is the same on every partition. It is written under each key group the partition owns,
 * so that a rescale, which only moves key groups, gives every new partition the whole of it; it is
 * read from the first.
 *
 * Promise: writing is refused except while a broadcast record is processed: otherwise partitions
 * would differ.
 */
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import type { MapState } from "./keyed-state.ts";
import type { StoredMapState } from "./stored-map-state.ts";

export interface BroadcastMapStateOptions<K extends string | number, V> {
  readonly name: string;
  readonly keyGroups: KeyGroupRange;
  /** The map stored under one key group. */
  readonly mapOf: (keyGroup: number) => StoredMapState<K, V>;
  /** A broadcast record is being processed. */
  readonly isWritable: () => boolean;
}

export class BroadcastMapState<K extends string | number, V> implements MapState<K, V> {
  readonly #options: BroadcastMapStateOptions<K, V>;
  readonly #copies: readonly StoredMapState<K, V>[];

  constructor(options: BroadcastMapStateOptions<K, V>) {
    this.#options = options;
    const { first, last } = options.keyGroups;
    this.#copies = Array.from({ length: last - first + 1 }, (_, index) =>
      options.mapOf(first + index),
    );
  }

  get(key: K): V | undefined {
    return this.#first.get(key);
  }

  contains(key: K): boolean {
    return this.#first.contains(key);
  }

  isEmpty(): boolean {
    return this.#first.isEmpty();
  }

  entries(): [K, V][] {
    return this.#first.entries();
  }

  entriesBetween(first: K, last: K): [K, V][] {
    return this.#first.entriesBetween(first, last);
  }

  keys(): K[] {
    return this.#first.keys();
  }

  values(): V[] {
    return this.#first.values();
  }

  put(key: K, value: V): void {
    this.#write((copy) => copy.put(key, value));
  }

  putAll(entries: Iterable<readonly [K, V]>): void {
    for (const [key, value] of entries) this.put(key, value);
  }

  remove(key: K): void {
    this.#write((copy) => copy.remove(key));
  }

  clear(): void {
    this.#write((copy) => copy.clear());
  }

  get #first(): StoredMapState<K, V> {
    return this.#copies[0]!;
  }

  #write(change: (copy: StoredMapState<K, V>) => void): void {
    if (!this.#options.isWritable()) {
      throw new Error(
        `Broadcast state "${this.#options.name}" can only be written while a broadcast record is ` +
          `processed: a keyed record is seen by one partition, and the others would differ. ` +
          `Write it in processBroadcast, or keep what belongs to the key in keyed state.`,
      );
    }
    for (const copy of this.#copies) change(copy);
  }
}
