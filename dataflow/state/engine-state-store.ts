/**
 * The KeyedStateStore of a partition: a thin layer over its StateEngine. What is in memory is read there and
 * then, keys and ranges alike; what is not is noted, and read when it is fetched.
 *
 * What was fetched is held here until the next write or step of time, because the engine may evict one
 * block while it reads another: so a record that reads much always gets through in the end.
 */
import type { ScanPage, StateEngine } from "../../state-engine/index.ts";
import { encodeHex } from "../../state-engine/bytes/text.ts";
import { notResident, type KeyedStateStore, type StateEntry } from "./keyed-state-store.ts";

type Engine = Pick<
  StateEngine,
  "put" | "delete" | "merge" | "lookup" | "fetch" | "scan" | "scanResident" | "advanceTime"
>;

interface Range {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly limit: number;
}

/** Entries of one page of a range read. */
const PAGE_ENTRIES = 1000;

export class EngineStateStore implements KeyedStateStore {
  readonly #engine: Engine;
  readonly #missingKeys = new Map<string, Uint8Array>();
  readonly #missingRanges = new Map<string, Range>();
  readonly #fetchedValues = new Map<string, Uint8Array | undefined>();
  readonly #fetchedRanges = new Map<string, readonly StateEntry[]>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const found = this.#engine.lookup(key, 0, key.length);
    if (found === "missing") return undefined;
    if (found !== "notResident") return found;
    const name = encodeHex(key);
    if (this.#fetchedValues.has(name)) return this.#fetchedValues.get(name);
    this.#missingKeys.set(name, key.slice());
    throw notResident;
  }

  scan(start: Uint8Array, end: Uint8Array, limit: number): readonly StateEntry[] {
    const resident = this.#readResident(start, end, limit);
    if (resident !== undefined) return resident;
    const name = `${encodeHex(start)}-${encodeHex(end)}-${limit}`;
    const fetched = this.#fetchedRanges.get(name);
    if (fetched !== undefined) return fetched;
    this.#missingRanges.set(name, { start: start.slice(), end: end.slice(), limit });
    throw notResident;
  }

  put(key: Uint8Array, value: Uint8Array, expiresAt: number): void {
    this.#forgetFetched();
    this.#engine.put(key, 0, key.length, value, 0, value.length, expiresAt);
  }

  delete(key: Uint8Array): void {
    this.#forgetFetched();
    this.#engine.delete(key, 0, key.length);
  }

  merge(key: Uint8Array, operand: Uint8Array, expiresAt: number): void {
    this.#forgetFetched();
    this.#engine.merge(key, 0, key.length, operand, 0, operand.length, expiresAt);
  }

  advanceTime(time: number): void {
    this.#forgetFetched();
    this.#engine.advanceTime(time);
  }

  /** Nothing may be written to the engine until it has answered. */
  async fetchMissing(): Promise<void> {
    const keys = [...this.#missingKeys];
    const ranges = [...this.#missingRanges];
    this.#missingKeys.clear();
    this.#missingRanges.clear();
    for (let done = 0; done < keys.length;) {
      const rest = keys.slice(done);
      const resident = await this.#engine.fetch(rest.map(([, key]) => key));
      // Copied at once: the next fetch may evict what this one brought.
      for (const [name, key] of rest.slice(0, resident)) this.#keep(name, key);
      done += resident;
    }
    for (const [name, range] of ranges) {
      this.#fetchedRanges.set(name, await this.#readRange(range));
    }
  }

  #keep(name: string, key: Uint8Array): void {
    const found = this.#engine.lookup(key, 0, key.length);
    if (found === "notResident") return;
    this.#fetchedValues.set(name, found === "missing" ? undefined : found.slice());
  }

  #readResident(
    start: Uint8Array,
    end: Uint8Array,
    limit: number,
  ): readonly StateEntry[] | undefined {
    const entries: StateEntry[] = [];
    let from: Uint8Array | undefined = start;
    while (from !== undefined && entries.length < limit) {
      const pageLimit = Math.min(limit - entries.length, PAGE_ENTRIES);
      const page = this.#engine.scanResident({ start: from, end, limit: pageLimit });
      if (page === undefined) return undefined;
      entries.push(...page.entries);
      from = startOfNext(page);
    }
    return entries;
  }

  async #readRange({ start, end, limit }: Range): Promise<readonly StateEntry[]> {
    const entries: StateEntry[] = [];
    let from: Uint8Array | undefined = start;
    while (from !== undefined && entries.length < limit) {
      const pageLimit = Math.min(limit - entries.length, PAGE_ENTRIES);
      const page = await this.#engine.scan({ start: from, end, limit: pageLimit });
      entries.push(...page.entries);
      from = startOfNext(page);
    }
    return entries;
  }

  #forgetFetched(): void {
    if (this.#fetchedValues.size > 0) this.#fetchedValues.clear();
    if (this.#fetchedRanges.size > 0) this.#fetchedRanges.clear();
  }
}

function startOfNext({ next }: ScanPage): Uint8Array | undefined {
  return next !== undefined && "start" in next ? next.start : undefined;
}
