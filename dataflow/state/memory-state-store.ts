/**
 * A KeyedStateStore in a sorted array, for tests and the operator harness. It can pretend that
 * nothing is resident until fetched, so that every path a real store can take is taken.
 *
 * Not for production: nothing is compacted or bounded.
 */
import { compareKeys } from "../../state-engine/bytes/compare.ts";
import { ByteReader } from "../../state-engine/bytes/byte-reader.ts";
import { ByteWriter } from "../../state-engine/bytes/byte-writer.ts";
import { stateIdOf, type MergeOperator } from "../../state-engine/index.ts";
import { encodeHex } from "../../state-engine/bytes/text.ts";
import { notResident, type KeyedStateStore, type StateEntry } from "./keyed-state-store.ts";

export interface MemoryStateStoreOptions {
  readonly mergeOperators: ReadonlyMap<number, MergeOperator>;
  /** "fetched": a read succeeds only after it was fetched, and writes make everything cold again. "all" by default. */
  readonly resident?: "all" | "fetched";
}

interface StoredEntry extends StateEntry {
  readonly expiresAt: number;
}

export class MemoryStateStore implements KeyedStateStore {
  readonly hasRoom = true;
  readonly #options: MemoryStateStoreOptions;
  readonly #entries: StoredEntry[] = [];
  /** Reads that have been fetched, and those that are to be. */
  readonly #fetched = new Set<string>();
  readonly #missing = new Set<string>();
  #time = -Infinity;

  constructor(options: MemoryStateStoreOptions) {
    this.#options = options;
  }

  /** Entries alive. */
  get size(): number {
    return this.#entries.filter((entry) => entry.expiresAt > this.#time).length;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#options.resident === "fetched") this.#requireFetched(encodeHex(key));
    const entry = this.#entries[this.#indexOf(key)];
    if (entry === undefined || compareKeys(entry.key, key) !== 0) return undefined;
    return entry.expiresAt > this.#time ? entry.value : undefined;
  }

  scan(start: Uint8Array, end: Uint8Array, limit: number): readonly StateEntry[] {
    if (this.#options.resident === "fetched") {
      this.#requireFetched(`${encodeHex(start)}-${encodeHex(end)}`);
    }
    const found: StateEntry[] = [];
    for (let index = this.#indexOf(start); found.length < limit; index++) {
      const entry = this.#entries[index];
      if (entry === undefined || compareKeys(entry.key, end) >= 0) break;
      if (entry.expiresAt > this.#time) found.push(entry);
    }
    return found;
  }

  put(key: Uint8Array, value: Uint8Array, expiresAt: number): void {
    this.#fetched.clear();
    const index = this.#indexOf(key);
    const present = this.#entries[index];
    const replaced = present !== undefined && compareKeys(present.key, key) === 0 ? 1 : 0;
    this.#entries.splice(index, replaced, { key, value, expiresAt });
  }

  delete(key: Uint8Array): void {
    this.#fetched.clear();
    const index = this.#indexOf(key);
    const present = this.#entries[index];
    if (present !== undefined && compareKeys(present.key, key) === 0)
      this.#entries.splice(index, 1);
  }

  merge(key: Uint8Array, operand: Uint8Array, expiresAt: number): void {
    const operator = this.#options.mergeOperators.get(stateIdOf(key));
    if (operator === undefined) {
      throw new Error(`State ${stateIdOf(key)} has no merge operator: write it with put.`);
    }
    const present = this.#entries[this.#indexOf(key)];
    const alive =
      present !== undefined &&
      compareKeys(present.key, key) === 0 &&
      present.expiresAt > this.#time;
    const deadline = alive ? Math.max(present.expiresAt, expiresAt) : expiresAt;
    const value = operator.apply(alive ? present.value : undefined, operand);
    this.put(key, operator.prune?.(value, this.#time) ?? value, deadline);
  }

  advanceTime(time: number): void {
    if (time > this.#time) this.#time = time;
  }

  fetchMissing(): Promise<void> {
    for (const read of this.#missing) this.#fetched.add(read);
    this.#missing.clear();
    return Promise.resolve();
  }

  /** Everything alive as bytes, equal for equal contents. */
  save(): Uint8Array {
    const writer = new ByteWriter(1024);
    for (const { key, value, expiresAt } of this.#entries) {
      if (expiresAt <= this.#time) continue;
      writer.slice(key);
      writer.slice(value);
      writer.varint(expiresAt === Infinity ? 0 : expiresAt);
    }
    return writer.finish();
  }

  /** Replaces all contents with what save() answered. */
  load(bytes: Uint8Array): void {
    this.#entries.length = 0;
    this.#fetched.clear();
    const reader = new ByteReader(bytes, 0, bytes.length, "A saved memory state store");
    while (reader.remaining > 0) {
      const key = reader.slice().slice();
      const value = reader.slice().slice();
      const expiresAt = reader.varint();
      this.#entries.push({ key, value, expiresAt: expiresAt === 0 ? Infinity : expiresAt });
    }
  }

  #requireFetched(read: string): void {
    if (this.#fetched.has(read)) return;
    this.#missing.add(read);
    throw notResident;
  }

  /** Index of the first entry whose key is not below `key`. */
  #indexOf(key: Uint8Array): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#entries[middle]!.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
