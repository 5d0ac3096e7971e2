/**
 * The KeyedStateStore of a partition: a thin layer over its StateEngine. What is in memory is read there and
 * then, keys and ranges alike; what is not is noted, and read when it is fetched.
 *
 * What was fetched is held here until the next write or step of time, because the engine may evict one
 * block while it reads another: so a record that reads much always gets through in the end.
 *
 * What will be read later is made resident along with it, in the same round, as far as that fits in half of
 * the cache's room; that is not held, and may be evicted before it is read.
 */
import type { ScanPage, StateEngine, StateRange, StateRead } from "../../state-engine/index.ts";
import { encodeHex } from "../../state-engine/bytes/text.ts";
import { notResident, type KeyedStateStore, type StateEntry } from "./keyed-state-store.ts";

type Engine = Pick<
  StateEngine,
  | "put"
  | "delete"
  | "merge"
  | "lookup"
  | "fetch"
  | "scan"
  | "scanResident"
  | "advanceTime"
  | "admit"
  | "isWithinAdmitted"
>;

/** Admitted at a time beyond the bytes of a frame, for what its records write besides. */
const FURTHER_BYTES = 32 * 1024;
/** Entries of one page of a range read. */
const PAGE_ENTRIES = 1000;

export class EngineStateStore implements KeyedStateStore {
  readonly #engine: Engine;
  /** Under way, once the engine has said that what comes next must wait for it. */
  #room: Promise<void> | undefined;
  /** By name, in the order in which they were missed: keys and ranges. */
  readonly #missing = new Map<string, StateRead>();
  /** Missed by what only looked ahead. */
  readonly #missingAhead = new Map<string, StateRead>();
  #looksAhead = false;
  /** Names of what was brought ahead and has not been missed since. */
  readonly #broughtAhead = new Set<string>();
  #lostAhead = 0;
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
    throw this.#miss(name, key.slice());
  }

  scan(start: Uint8Array, end: Uint8Array, limit: number): readonly StateEntry[] {
    const resident = this.#readResident(start, end, limit);
    if (resident !== undefined) return resident;
    const name = `${encodeHex(start)}-${encodeHex(end)}-${limit}`;
    const fetched = this.#fetchedRanges.get(name);
    if (fetched !== undefined) return fetched;
    throw this.#miss(name, { start: start.slice(), end: end.slice(), limit });
  }

  /** Two comparisons, unless more was written than the engine had admitted. */
  get hasRoom(): boolean {
    if (this.#room !== undefined) return false;
    if (this.#engine.isWithinAdmitted) return true;
    this.#room = this.#engine.admit(FURTHER_BYTES);
    return this.#room === undefined;
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

  /** What reads within `work` find missing is brought by the next fetchMissing() as far as there is room. */
  lookAhead(work: () => void): void {
    this.#looksAhead = true;
    try {
      work();
    } finally {
      this.#looksAhead = false;
    }
  }

  /** How many reads missed what had been brought ahead of them since forgetAhead(): it was evicted before its turn. */
  get lostAhead(): number {
    return this.#lostAhead;
  }

  /** What was brought ahead so far is not counted as lost any more. */
  forgetAhead(): void {
    this.#broughtAhead.clear();
    this.#lostAhead = 0;
  }

  /** Nothing may be written to the engine until it has answered. */
  async fetchMissing(): Promise<void> {
    const room = this.#room;
    this.#room = undefined;
    await room;
    const missing = [...this.#missing];
    let ahead = [...this.#missingAhead].filter(([name]) => !this.#missing.has(name));
    this.#missing.clear();
    this.#missingAhead.clear();
    const ranges: [string, StateRange][] = [];
    for (let done = 0; done < missing.length;) {
      const rest = missing.slice(done);
      const resident = await this.#engine.fetch([...rest, ...ahead].map(([, read]) => read));
      // Copied at once: the next fetch may evict what this one brought.
      for (const [name, read] of rest.slice(0, resident)) {
        if (read instanceof Uint8Array) this.#keep(name, read);
        else ranges.push([name, read]);
      }
      for (const [name] of ahead.slice(0, Math.max(0, resident - rest.length))) {
        this.#broughtAhead.add(name);
      }
      ahead = [];
      done += resident;
    }
    for (const [name, range] of ranges) {
      const { start, end, limit } = range;
      const entries = this.#readResident(start, end, limit) ?? (await this.#readRange(range));
      this.#fetchedRanges.set(name, entries);
    }
  }

  #miss(name: string, read: StateRead): Error {
    if (this.#looksAhead) {
      this.#missingAhead.set(name, read);
    } else {
      this.#missing.set(name, read);
      if (this.#broughtAhead.delete(name)) this.#lostAhead += 1;
    }
    return notResident;
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

  async #readRange({ start, end, limit }: StateRange): Promise<readonly StateEntry[]> {
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
