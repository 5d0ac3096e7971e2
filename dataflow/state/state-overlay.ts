/**
 * The writes of one record (or timer), held back until it is done. Reads see them over the store.
 *
 * Promise: the store is untouched until commit(), which applies every key once; clear() forgets all.
 * Per key only the final effect is kept: a put, a delete, or merge operands over an unread value.
 */
import { compareKeys } from "../../state-engine/bytes/compare.ts";
import { hash32 } from "../../state-engine/bytes/hash.ts";
import { stateIdOf, type MergeOperator } from "../../state-engine/index.ts";
import { notResident, type KeyedStateStore, type StateEntry } from "./keyed-state-store.ts";

interface PendingWrite {
  readonly key: Uint8Array;
  kind: "put" | "delete" | "merge";
  value: Uint8Array;
  expiresAt: number;
  /** The previous write whose key has the same hash, or -1. */
  readonly sameHash: number;
}

const nothing = new Uint8Array(0);

export class StateOverlay {
  readonly #store: KeyedStateStore;
  readonly #mergeOperators: ReadonlyMap<number, MergeOperator>;
  readonly #writes: PendingWrite[] = [];
  readonly #byHash = new Map<number, number>();
  #missed = false;
  /** Of the store, since the last clear() or commit(). */
  #reads = 0;
  /** Reads beyond this many miss, whatever is resident. */
  mostReads = Infinity;

  constructor(store: KeyedStateStore, mergeOperators: ReadonlyMap<number, MergeOperator>) {
    this.#store = store;
    this.#mergeOperators = mergeOperators;
  }

  /** A read since the last clear() or commit() was not resident, whatever became of the throw. */
  get missed(): boolean {
    return this.#missed;
  }

  /** Reads of the store since the last clear() or commit(), the one that missed included. */
  get reads(): number {
    return this.#reads;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const write = this.#find(key, hash32(key));
    if (write === undefined) return this.#read(key);
    if (write.kind === "merge") return this.#operator(key).apply(this.#read(key), write.value);
    return write.kind === "put" ? write.value : undefined;
  }

  put(key: Uint8Array, value: Uint8Array, expiresAt = Infinity): void {
    this.#write(key, "put", value, expiresAt);
  }

  delete(key: Uint8Array): void {
    this.#write(key, "delete", nothing, Infinity);
  }

  merge(key: Uint8Array, operand: Uint8Array, expiresAt = Infinity): void {
    const write = this.#find(key, hash32(key));
    if (write === undefined) {
      this.#write(key, "merge", operand, expiresAt);
      return;
    }
    const operator = this.#operator(key);
    if (write.kind === "delete") {
      write.kind = "put";
      write.value = operator.apply(undefined, operand);
      write.expiresAt = expiresAt;
    } else if (write.kind === "put") {
      write.value = operator.apply(write.value, operand);
    } else {
      write.value = operator.combine(write.value, operand);
    }
    write.expiresAt = Math.max(write.expiresAt, expiresAt);
  }

  /** Entries from `start` to before `end` in order, pending writes included. */
  scan(start: Uint8Array, end: Uint8Array, limit = Infinity): readonly StateEntry[] {
    const pending = this.#writes
      .filter((write) => compareKeys(write.key, start) >= 0 && compareKeys(write.key, end) < 0)
      .sort((a, b) => compareKeys(a.key, b.key));
    const stored = this.#readRange(start, end, limit + pending.length);
    if (pending.length === 0) return stored;
    const entries: StateEntry[] = [];
    let next = 0;
    for (const write of pending) {
      while (next < stored.length && compareKeys(stored[next]!.key, write.key) < 0) {
        entries.push(stored[next++]!);
      }
      const base = stored[next];
      const replaced = base !== undefined && compareKeys(base.key, write.key) === 0;
      if (replaced) next++;
      if (write.kind === "put") entries.push(write);
      if (write.kind === "merge") {
        const value = this.#operator(write.key).apply(
          replaced ? base.value : undefined,
          write.value,
        );
        entries.push({ key: write.key, value });
      }
    }
    while (next < stored.length) entries.push(stored[next++]!);
    return entries.length > limit ? entries.slice(0, limit) : entries;
  }

  commit(): void {
    const store = this.#store;
    for (const { key, kind, value, expiresAt } of this.#writes) {
      if (kind === "put") store.put(key, value, expiresAt);
      else if (kind === "delete") store.delete(key);
      else store.merge(key, value, expiresAt);
    }
    this.clear();
  }

  clear(): void {
    this.#missed = false;
    this.#reads = 0;
    if (this.#writes.length === 0) return;
    this.#writes.length = 0;
    this.#byHash.clear();
  }

  #write(key: Uint8Array, kind: PendingWrite["kind"], value: Uint8Array, expiresAt: number): void {
    const hash = hash32(key);
    const write = this.#find(key, hash);
    if (write === undefined) {
      const sameHash = this.#byHash.get(hash) ?? -1;
      this.#byHash.set(hash, this.#writes.length);
      this.#writes.push({ key, kind, value, expiresAt, sameHash });
    } else {
      write.kind = kind;
      write.value = value;
      write.expiresAt = expiresAt;
    }
  }

  #find(key: Uint8Array, hash: number): PendingWrite | undefined {
    if (this.#writes.length === 0) return undefined;
    let index = this.#byHash.get(hash) ?? -1;
    while (index >= 0) {
      const write = this.#writes[index]!;
      if (compareKeys(write.key, key) === 0) return write;
      index = write.sameHash;
    }
    return undefined;
  }

  #read(key: Uint8Array): Uint8Array | undefined {
    try {
      this.#countRead();
      return this.#store.get(key);
    } catch (error) {
      this.#missed = true;
      throw error;
    }
  }

  #readRange(start: Uint8Array, end: Uint8Array, limit: number): readonly StateEntry[] {
    try {
      this.#countRead();
      return this.#store.scan(start, end, limit);
    } catch (error) {
      this.#missed = true;
      throw error;
    }
  }

  #countRead(): void {
    if (++this.#reads > this.mostReads) throw notResident;
  }

  #operator(key: Uint8Array): MergeOperator {
    const operator = this.#mergeOperators.get(stateIdOf(key));
    if (operator === undefined) {
      throw new Error(`State ${stateIdOf(key)} has no merge operator: write it with put.`);
    }
    return operator;
  }
}
