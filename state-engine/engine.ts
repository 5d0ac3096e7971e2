/**
 * StateEngine: the state of one partition. Writes go to memory; reads are synchronous when the blocks
 * they need are resident; a checkpoint freezes in O(1) and persists aside. There is no log here:
 * what was not persisted comes back by replay.
 *
 * A key is at least 4 bytes: key group and state id, both big-endian u16 (state/state-key.ts).
 */
import { assert } from "./assert.ts";
import { LimitedBlobStore } from "./blob-store/limited-blob-store.ts";
import { Checkpointer, Frozen, type ConfirmedState } from "./checkpoint/checkpointer.ts";
import { TableWriter } from "./checkpoint/table-writer.ts";
import type {
  EngineStatistics,
  FrozenState,
  Lookup,
  PersistedState,
  PersistOptions,
  ScanOptions,
  ScanPage,
  Snapshot,
  StateRead,
  StateWrite,
} from "./engine-types.ts";
import { statisticsOf } from "./engine-statistics.ts";
import type { MemoryMember } from "./environment.ts";
import { StateEngineError } from "./errors.ts";
import { memtableLimit, requestLimit, scanCursorLimit } from "./limits.ts";
import { MemoryAccount } from "./memory-account.ts";
import { MemtableSet } from "./memtable/memtable-set.ts";
import type { Memtable } from "./memtable/memtable.ts";
import { writeBatch } from "./memtable/write-batch.ts";
import { resolveTuning, type EngineOptions, type EngineTuning } from "./options.ts";
import { BlockCache } from "./read/block-cache.ts";
import { BlockLoader } from "./read/block-loader.ts";
import { EngineSnapshot } from "./read/engine-snapshot.ts";
import { fetchReads } from "./read/fetch-reads.ts";
import { PointReader } from "./read/point-reader.ts";
import type { ReadView } from "./read/read-view.ts";
import { ScanGate } from "./read/scan-gate.ts";
import { residentPage, scanPage } from "./read/scan.ts";
import { ownedRange } from "./state/owned-range.ts";
import { stateKeyHash } from "./state/state-key.ts";
import { TableSet } from "./table-set.ts";
import { Upkeep } from "./upkeep.ts";
import { lastSequence, openVersion } from "./version/open-version.ts";
import { references } from "./version/version.ts";

export class StateEngine implements MemoryMember {
  readonly #options: EngineOptions;
  readonly #tuning: EngineTuning;
  readonly #memtables: MemtableSet;
  readonly #loader: BlockLoader;
  readonly #reader: PointReader;
  readonly #writer: TableWriter;
  readonly #tables: TableSet;
  readonly #checkpointer: Checkpointer;
  readonly #memory: MemoryAccount;
  /** Frozen states whose fate is open: a flush must not slip under their versions. */
  readonly #open = new Set<Frozen>();
  #active: Memtable;
  #view: ReadView;
  #memtableLimit = 0;
  #admittedFilledBytes = 0;
  /** False once more was written than admit() was told: a batch asks between two records, and admits more first. */
  isWithinAdmitted = true;
  #time = 0;
  #isClosed = false;
  readonly #upkeep: Upkeep;
  readonly #scans: ScanGate;

  private constructor(options: EngineOptions) {
    const { environment, keyGroups, mergeOperators } = options;
    const { memory } = environment;
    const blobStore = new LimitedBlobStore(options.blobStore, () => requestLimit(memory));
    this.#options = options;
    this.#tuning = resolveTuning(options.tuning, environment);
    const version = openVersion(options.tables, keyGroups);
    const tables = references(version);
    const sequence = lastSequence(tables, options.sequence);
    const cache = new BlockCache();
    this.#loader = new BlockLoader(environment, blobStore, cache, () => this.#memory.cacheLimit());
    this.#reader = new PointReader(this.#loader, mergeOperators);
    this.#writer = new TableWriter(blobStore, options.uploads, this.#loader, environment);
    this.#tables = new TableSet(
      options,
      this.#tuning,
      this.#loader,
      this.#writer,
      version,
      sequence,
      (gone) => {
        this.#view = this.#makeView();
        this.#memory.retireTables(gone);
      },
    );
    this.#checkpointer = new Checkpointer(this.#writer, { tables, sequence });
    this.#memtables = new MemtableSet(sequence, mergeOperators);
    this.#memory = new MemoryAccount(memory, this.#memtables, this.#tables, this.#loader);
    this.#upkeep = new Upkeep({
      tuning: this.#tuning,
      memory: this.#memory,
      memtables: this.#memtables,
      tables: this.#tables,
      rotate: () => this.#rotate(true),
      flushOldest: () => this.#flushOldest(),
      moment: () => ({ time: this.#time, sequence: this.sequence }),
      checkOpen: () => this.#checkOpen(),
    });
    const cursorLimit = (): number => scanCursorLimit(this.#tuning.blockBytes, this.#memory.share);
    this.#scans = new ScanGate(cursorLimit);
    this.#active = this.#memtables.active;
    this.#view = this.#makeView();
    memory.join(this);
    this.#resize();
  }

  /** Synchronous and without I/O: tables are opened when first read [35]. */
  static open(options: EngineOptions): StateEngine {
    return new StateEngine(options);
  }

  /** `expiresAt`: milliseconds of the engine's time at which the entry stops to exist; Infinity for never. */
  put(
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiresAt = Infinity,
  ): void {
    const hash = stateKeyHash(key, keyOffset, keyLength);
    this.#active.put(key, keyOffset, keyLength, hash, value, valueOffset, valueLength, expiresAt);
    if (this.#isFull()) this.#rotate(true);
  }

  delete(key: Uint8Array, keyOffset: number, keyLength: number): void {
    this.#active.delete(key, keyOffset, keyLength, stateKeyHash(key, keyOffset, keyLength));
    if (this.#isFull()) this.#rotate(true);
  }

  /**
   * Adds an operand for the state's merge operator. The value lives until the last of what it is made of
   * expires; what expired before may or may not be in it still, which depends on when it was folded. So
   * operands that expire need an operator whose values say for themselves what of them has.
   */
  merge(
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    operand: Uint8Array,
    operandOffset: number,
    operandLength: number,
    expiresAt = Infinity,
  ): void {
    const hash = stateKeyHash(key, keyOffset, keyLength);
    const bytes = operand.subarray(operandOffset, operandOffset + operandLength);
    this.#active.merge(key, keyOffset, keyLength, hash, bytes, expiresAt);
    if (this.#isFull()) this.#rotate(true);
  }

  /**
   * merge() of a 64-bit addition, for a state whose operator is int64Addition; `delta` is a safe integer.
   * `hash` is hash32 of the key's bytes after the first four. No allocation.
   */
  mergeInt64(
    bytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    hash: number,
    delta: number,
  ): void {
    this.#active.mergeInt64(bytes, keyOffset, keyLength, hash, delta);
    if (this.#isFull()) this.#rotate(true);
  }

  /** Deletes from `start` (included) to `end` (excluded), as far as this engine owns it. The arrays may be reused. */
  deleteRange(start: Uint8Array, end: Uint8Array): void {
    const range = ownedRange(this.#options.keyGroups, start, end);
    if (range === undefined) return;
    this.#active.deleteRange(range.from, range.to);
    if (this.#isFull()) this.#rotate(true);
  }

  /**
   * All writes of the batch in their order, or an error and none when one is invalid. They stay together: what is
   * read, frozen or persisted has all or none. Like every write it does not wait: call admit(batchBytes(batch)) first.
   */
  write(batch: readonly StateWrite[]): void {
    this.#checkOpen();
    writeBatch(this.#active, batch, this.#options);
    if (this.#isFull()) this.#rotate(true);
  }

  /** The time TTL goes by; it never goes back. */
  advanceTime(time: number): void {
    if (time <= this.#time) return;
    this.#time = time;
    this.#active.time = time;
    this.#view = { ...this.#view, time };
  }

  /** Call before applying a batch of about `bytes`: undefined means go on, a promise must be awaited first. */
  admit(bytes: number): Promise<void> | undefined {
    this.#resize();
    this.#admittedFilledBytes = this.#active.filledBytes + bytes;
    this.isWithinAdmitted = true;
    return this.#upkeep.admit(bytes);
  }

  lookup(key: Uint8Array, keyOffset: number, keyLength: number): Lookup {
    const hash = stateKeyHash(key, keyOffset, keyLength);
    return this.#reader.lookup(this.#view, key, keyOffset, keyLength, hash);
  }

  /**
   * Makes resident what lookups of these keys and resident scans of these ranges need, and answers for how
   * many of them, from the first, that is so: fewer than given when all together would take more than half
   * of the cache's room. At least 1 for a non-empty list; a range that is too large by itself, or has a
   * limit, may need scan() all the same.
   * Good until the next await of the caller that lets maintain(), admit() or a read of this engine run.
   */
  async fetch(reads: readonly StateRead[]): Promise<number> {
    this.#checkOpen();
    this.#memory.trim();
    const limitBytes = this.#memory.cacheLimit();
    return fetchReads(reads, this.#reader, this.#loader, () => this.#view, limitBytes);
  }

  /** A fresh array, or undefined when there is no value. */
  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    for (;;) {
      this.#checkOpen();
      const found = this.lookup(key, 0, key.length);
      if (found === "missing") return undefined;
      if (found !== "notResident") return found.slice();
      await this.fetch([key]);
    }
  }

  /** One page, consistent in itself; give a snapshot to make all pages consistent. */
  async scan(options: ScanOptions): Promise<ScanPage> {
    this.#checkOpen();
    this.#memory.trim();
    const { snapshot } = options;
    assert(
      snapshot === undefined || snapshot instanceof EngineSnapshot,
      "a scan's snapshot is this engine's",
    );
    // Of its own, because the snapshot may be released meanwhile.
    let held = snapshot && { ...snapshot.view };
    if (held !== undefined) this.#memory.pin(held);
    const { keyGroups, mergeOperators } = this.#options;
    const hold = (): void => {
      if (held !== undefined) return;
      this.#memory.pin((held = { ...this.#view }));
      this.#rotate(false);
    };
    const view = (): ReadView => held ?? this.#view;
    const source = { loader: this.#loader, keyGroups, mergeOperators, view, hold };
    try {
      return await this.#scans.pass(view().version.runs.length, () => scanPage(source, options));
    } finally {
      if (held !== undefined) this.#memory.unpin(held);
      this.#memory.trim();
    }
  }

  /**
   * scan() of the present, synchronous as lookup() is: undefined when that needs what is not in memory; scan()
   * makes it so. The page is a copy.
   */
  scanResident(options: Omit<ScanOptions, "snapshot">): ScanPage | undefined {
    const { keyGroups, mergeOperators } = this.#options;
    const source = { loader: this.#loader, keyGroups, mergeOperators, view: () => this.#view };
    return residentPage(source, options);
  }

  snapshot(): Snapshot {
    this.#checkOpen();
    this.#rotate(false);
    // The active memtable is empty now, and will not stay so.
    const view = { ...this.#view, memtables: this.#memtables.frozen };
    this.#memory.pin(view);
    return new EngineSnapshot(this.sequence, view, () => this.#memory.unpin(view));
  }

  /** The state at this moment, for a checkpoint. O(1), synchronous. */
  freeze(): FrozenState {
    this.#checkOpen();
    this.#rotate(false);
    this.#memtables.beginGroup();
    this.#tables.beginInterval(this.sequence);
    const { frozen } = this.#memtables;
    const state = new Frozen(this.sequence, this.#time, this.#tables.version, frozen);
    this.#open.add(state);
    this.#memory.pin(state);
    return state;
  }

  /** Flushes and uploads what the frozen state has and no confirmed checkpoint holds. One at a time. */
  persist(frozen: FrozenState, options: PersistOptions): Promise<PersistedState> {
    assert(frozen instanceof Frozen && this.#open.has(frozen), "a frozen state is persisted once");
    return this.#upkeep.inTurn(async () => {
      this.#checkOpen();
      while (frozen.memtables.length > 0) this.#flushOldest();
      const persisted = await this.#checkpointer.persist(frozen, options);
      this.discard(frozen);
      return persisted;
    });
  }

  /** Gives up a frozen state that will not be persisted (or whose persist failed). */
  discard(frozen: FrozenState): void {
    if (!(frozen instanceof Frozen)) return;
    this.#open.delete(frozen);
    this.#memory.unpin(frozen);
  }

  /** The coordinator completed the checkpoint that acknowledged this: its objects may be built upon from now on. */
  confirm(persisted: ConfirmedState & Partial<Pick<PersistedState, "uploads">>): void {
    for (const table of this.#checkpointer.confirm(persisted, this.#tables.tables)) {
      if (table.bytes !== undefined) this.#loader.cache.addWhole(table);
    }
    if (persisted.uploads) this.#writer.forgetUnneeded(persisted.uploads.map(({ path }) => path));
    this.#memory.trim();
  }

  /** One bounded slice of background work; true when there is more. Not on the barrier's path. */
  async maintain(): Promise<boolean> {
    this.#checkOpen();
    this.#resize();
    return this.#upkeep.maintain();
  }

  /** Sequence of the last write. Equal to a persisted state's: nothing was written since. */
  get sequence(): number {
    return this.#active.lastSequence;
  }

  get usedBytes(): number {
    return this.#memory.usedBytes;
  }

  statistics(): EngineStatistics {
    const { stalls } = this.#upkeep;
    return statisticsOf(this.#tables, this.#memtables, this.#loader, this.#writer, stalls);
  }

  close(): void {
    this.#isClosed = true;
    this.#active.freeze();
    this.#options.environment.memory.leave(this);
  }

  #isFull(): boolean {
    const { filledBytes, writes } = this.#active;
    if (filledBytes > this.#admittedFilledBytes) this.isWithinAdmitted = false;
    return filledBytes >= this.#memtableLimit || writes >= this.#tuning.memtableEntries;
  }

  /** The share follows how many others are alive. */
  #resize(): void {
    this.#memtableLimit = memtableLimit(this.#tuning, this.#memory.share);
  }

  #rotate(isFull: boolean): void {
    this.#admittedFilledBytes -= this.#active.filledBytes;
    this.#memtables.rotate(this.#time, isFull);
    this.#active = this.#memtables.active;
    this.#view = this.#makeView();
  }

  #makeView(): ReadView {
    return { memtables: this.#memtables.all, version: this.#tables.version, time: this.#time };
  }

  /** Whether the state as it is now is partly in the object at `path`; also once the engine is closed. */
  isIn(path: string): boolean {
    return this.#tables.tables.some(({ source }) => source.path === path);
  }

  #flushOldest(): void {
    const memtables = this.#memtables.oldestGroup();
    const isBottom = [this.#tables, ...this.#open].every(
      ({ version }) => version.runs.length === 0,
    );
    const run = this.#tables.flush(memtables, isBottom);
    for (const frozen of this.#open) frozen.wereFlushed(memtables, run);
    this.#memtables.remove(memtables);
    this.#view = this.#makeView();
    this.#memory.retireMemtables(memtables);
  }

  #checkOpen(): void {
    if (this.#isClosed) {
      throw new StateEngineError("closed", "The engine was closed: open a new one.");
    }
  }
}
