/**
 * What keeps an engine within its memory and its number of runs: flushes, slices of compaction, spills;
 * and what writes wait for before they pass either. Uploads of checkpoints and spills take turns;
 * compaction goes on beside them.
 */
import type { MemoryAccount } from "./memory-account.ts";
import type { MemtableSet } from "./memtable/memtable-set.ts";
import { bytesToCompact } from "./compaction/run-pace.ts";
import { memtableLimit } from "./limits.ts";
import type { EngineTuning } from "./options.ts";
import type { TableSet } from "./table-set.ts";

/** Held by a memtable that nothing was written to. */
const EMPTY_MEMTABLE_BYTES = 32 * 1024;

export interface UpkeepOptions {
  readonly tuning: EngineTuning;
  readonly memory: MemoryAccount;
  readonly memtables: MemtableSet;
  readonly tables: TableSet;
  /** Freezes the active memtable. */
  readonly rotate: () => void;
  readonly flushOldest: () => void;
  /** The engine's time, and the sequence of its last write. */
  readonly moment: () => { readonly time: number; readonly sequence: number };
  /** Throws once the engine is closed. */
  readonly checkOpen: () => void;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  #turn: Promise<unknown> = Promise.resolve();
  stalls = 0;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** Undefined when a batch of about `bytes` fits; otherwise it must wait. */
  admit(bytes: number): Promise<void> | undefined {
    const pacedBytes = this.#pacedBytes(bytes);
    const hasRoom = this.#options.memory.makeRoom(this.#growth(bytes));
    if (hasRoom && pacedBytes === 0) return undefined;
    this.stalls++;
    return this.#wait(bytes, pacedBytes);
  }

  /** One bounded slice of work; true when there is more. */
  async maintain(): Promise<boolean> {
    const { memory, memtables } = this.#options;
    if (memtables.isFlushDue) {
      this.#options.flushOldest();
      memory.trim();
      return true;
    }
    return this.#compact();
  }

  /** One after the other; a failure does not stop the next. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #compact(): Promise<boolean> {
    const { tables, memory, moment, checkOpen } = this.#options;
    const { time, sequence } = moment();
    const hasMore = await tables.compactStep(time, sequence);
    memory.trim();
    // Outputs that do not fit are written at once, not packed at the barrier [31].
    if (memory.excess(0) > 0) {
      await this.inTurn(async () => {
        checkOpen();
        await this.#spill(0);
      });
    }
    return hasMore;
  }

  /** Bytes to compact before `bytes` are written. */
  #pacedBytes(bytes: number): number {
    const { tables, memtables, memory, tuning } = this.#options;
    // The active memtable may become one, and the one after it when the batch fills it.
    const runs = tables.version.runs.length + memtables.groups + 2;
    const flushBytes = memtableLimit(tuning, memory.share);
    return bytesToCompact(bytes, { runs, leftBytes: tables.bytesLeft, flushBytes }, tuning);
  }

  async #wait(bytes: number, pacedBytes: number): Promise<void> {
    const { checkOpen, memory, tuning } = this.#options;
    let left = pacedBytes;
    while (left > 0) {
      checkOpen();
      if (!(await this.#compact())) break;
      left = left === Infinity ? this.#pacedBytes(bytes) : left - tuning.maintainBytes;
    }
    if (!memory.makeRoom(this.#growth(bytes))) await this.inTurn(() => this.#stall(bytes));
  }

  /** Flushes, then writes out, until the batch fits or nothing is left that could go. */
  async #stall(bytes: number): Promise<void> {
    const { checkOpen, memory, rotate } = this.#options;
    checkOpen();
    this.#flushAll();
    if (memory.makeRoom(this.#growth(bytes))) return;
    await this.#spill(this.#growth(bytes));
    if (memory.makeRoom(this.#growth(bytes))) return;
    rotate();
    this.#flushAll();
    await this.#spill(this.#growth(bytes));
    memory.makeLastRoom(this.#growth(bytes));
  }

  /**
   * What memtables take more once `bytes` are written: the active one grows by doubling, and where it becomes full
   * another begins, of which little is filled.
   */
  #growth(bytes: number): number {
    const { memtables, memory, tuning } = this.#options;
    const { active } = memtables;
    const left = Math.max(0, memtableLimit(tuning, memory.share) - active.filledBytes);
    if (bytes <= left) return active.growthFor(bytes);
    return active.growthFor(left) + EMPTY_MEMTABLE_BYTES + (bytes - left) * 2;
  }

  #flushAll(): void {
    while (this.#options.memtables.frozen.length > 0) this.#options.flushOldest();
  }

  #spill(bytes: number): Promise<void> {
    const { tables, memory } = this.#options;
    return tables.spill(memory.excess(bytes), memory.pinnedTables());
  }
}
