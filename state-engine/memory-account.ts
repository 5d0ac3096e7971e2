/**
 * What one engine holds in memory against its share: memtables, tables only memory has, the output of a
 * compaction and what it read ahead, cached blocks, what cursors unfold them in, and whatever a frozen state, a snapshot or a scan still reads though it left
 * the present.
 */
import type { MemoryPool } from "./environment.ts";
import type { MemtableSet } from "./memtable/memtable-set.ts";
import type { Memtable } from "./memtable/memtable.ts";
import type { BlockCache } from "./read/block-cache.ts";
import type { BlockLoader } from "./read/block-loader.ts";
import type { Table } from "./sst/table.ts";
import { heldBytes } from "./table-set.ts";
import type { TableSet } from "./table-set.ts";
import type { Run, Version } from "./version/version.ts";

/** Cached blocks are kept down to this many bytes even when the share is used up by what cannot go. */
const LEAST_CACHE_BYTES = 256 * 1024;

/** What somebody reads, or will write, as of an earlier moment. */
export interface Pinned {
  readonly version: Version;
  readonly memtables: readonly Memtable[];
  /** Runs that its memtables became since. */
  readonly flushed?: readonly Run[];
}

export class MemoryAccount {
  readonly #pool: MemoryPool;
  readonly #memtables: MemtableSet;
  readonly #tables: TableSet;
  readonly #cache: BlockCache;
  readonly #loader: BlockLoader;
  readonly #pins = new Set<Pinned>();

  constructor(pool: MemoryPool, memtables: MemtableSet, tables: TableSet, loader: BlockLoader) {
    this.#pool = pool;
    this.#memtables = memtables;
    this.#tables = tables;
    this.#loader = loader;
    this.#cache = loader.cache;
  }

  pin(pinned: Pinned): void {
    this.#pins.add(pinned);
  }

  /** What only this reader held gives its memory back. */
  unpin(pinned: Pinned): void {
    if (!this.#pins.delete(pinned)) return;
    this.retireMemtables(pinned.memtables);
    if (pinned.version === this.#tables.version) return;
    const live = new Set(this.#tables.tables);
    const tables = tablesOf(pinned);
    this.retireTables(tables.filter((table) => !live.has(table)));
  }

  /** Memtables that were flushed: they give their memory back, now or when their last reader is done. */
  retireMemtables(memtables: readonly Memtable[]): void {
    const { all } = this.#memtables;
    const pins = [...this.#pins];
    for (const memtable of memtables) {
      const isRead = pins.some((pin) => pin.memtables.includes(memtable));
      if (!isRead && !all.includes(memtable)) memtable.free();
    }
  }

  /** Tables that left the present version, likewise. What is confirmed is the cache's. */
  retireTables(tables: readonly Table[]): void {
    const held = tables.filter((table) => heldBytes(table) > 0);
    if (held.length === 0) return;
    const pinned = new Set(this.pinnedTables());
    for (const table of held) if (!pinned.has(table)) table.discard();
  }

  /** Bytes this engine may hold at this moment. The rest of its part is for requests and cursors under way. */
  get share(): number {
    return Math.floor((this.#pool.share() * 7) / 8);
  }

  get usedBytes(): number {
    return this.#unevictableBytes() + this.#cache.usedBytes;
  }

  /** Bytes of cache there is room for. */
  cacheLimit(): number {
    return Math.max(this.share - this.#unevictableBytes(), LEAST_CACHE_BYTES);
  }

  trim(): void {
    this.#cache.trim(this.cacheLimit());
  }

  /**
   * Evicts cached blocks until `bytes` more fit; false when that is not enough. Some blocks stay: what was fetched
   * for the records to come would have to be fetched again before anything is done with it.
   */
  makeRoom(bytes: number): boolean {
    return this.#evictFor(bytes, Math.min(LEAST_CACHE_BYTES, this.share >> 2));
  }

  /** makeRoom() of all that the cache holds, when nothing else could go. */
  makeLastRoom(bytes: number): void {
    this.#evictFor(bytes, 0);
  }

  /** By how much the share is passed once `bytes` more are held. */
  excess(bytes: number): number {
    return this.usedBytes + bytes - this.share;
  }

  /** Tables that left the present version while somebody still reads it, as far as they hold bytes. */
  pinnedTables(): Table[] {
    const pinned = new Set<Table>();
    for (const pin of this.#pins) {
      if (pin.version === this.#tables.version) continue;
      for (const table of tablesOf(pin)) if (heldBytes(table) > 0) pinned.add(table);
    }
    if (pinned.size > 0) for (const table of this.#tables.tables) pinned.delete(table);
    return [...pinned];
  }

  #evictFor(bytes: number, keptBytes: number): boolean {
    const excess = this.excess(bytes);
    if (excess <= 0) return true;
    this.#cache.trim(Math.max(keptBytes, this.#cache.usedBytes - excess));
    return this.excess(bytes) <= 0;
  }

  #unevictableBytes(): number {
    let bytes = this.#memtables.usedBytes + this.#tables.heldBytes + this.#loader.cursorBytes;
    if (this.#pins.size === 0) return bytes;
    for (const table of this.pinnedTables()) bytes += heldBytes(table);
    const gone = new Set<Memtable>();
    for (const { memtables } of this.#pins) {
      for (const memtable of memtables)
        if (!this.#memtables.all.includes(memtable)) gone.add(memtable);
    }
    for (const memtable of gone) bytes += memtable.usedBytes;
    return bytes;
  }
}

function tablesOf({ version, flushed = [] }: Pinned): Table[] {
  return [...version.runs, ...flushed].flatMap(({ tables }) => tables);
}
