/**
 * Cursor over the tables of one sorted run, clipped to the tables' key groups and to its bounds.
 * Asks for tails and blocks as it comes to them.
 */
import { compareBytes, compareKeys } from "../bytes/compare.ts";
import type { DecodedBlock } from "../sst/decoded-block.ts";
import type { Block } from "../sst/block.ts";
import type { Table } from "../sst/table.ts";
import type { TableTail } from "../sst/table-tail.ts";
import type { Run } from "../version/version.ts";
import { TAIL } from "./block-loader.ts";
import type { BlockLoader, CursorNeed } from "./block-loader.ts";
import { BLOCKED, END, ENTRY } from "./entry-cursor.ts";
import type { CursorBounds, EntryCursor } from "./entry-cursor.ts";
import { PassWindow } from "./pass-window.ts";

export class RunCursor implements EntryCursor {
  state: EntryCursor["state"] = END;
  need: CursorNeed | undefined;
  readonly rank: number;
  readonly hash = -1;
  head = 0;
  prefix = 0;
  key: Uint8Array = EMPTY;
  keyOffset = 0;
  keyLength = 0;
  kind = 0;
  value: Uint8Array = EMPTY;
  valueView: DataView | undefined;
  valueOffset = 0;
  valueLength = 0;
  expiresAt = Infinity;
  readonly #loader: BlockLoader;
  readonly #tables: readonly Table[];
  /** Where what each of them shows begins. */
  readonly #lowers: readonly Uint8Array[];
  readonly #bounds: CursorBounds;
  readonly #decoded: DecodedBlock;
  readonly #run: Run;
  /** Of a pass. */
  readonly #window: PassWindow | undefined;
  readonly #step: number;
  /** What the cursor stands on. */
  #held: Block | undefined;
  #isClosed = false;
  #table: number;
  #tail: TableTail | undefined;
  #lower: Uint8Array = EMPTY;
  #upper: Uint8Array = EMPTY;
  #block = -1;
  #lastBlock = -1;
  #entry = 0;
  /** The first and one past the last entry of the decoded block that are within the bounds. */
  #first = 0;
  #end = 0;

  /** `isPass`: leaves nothing in the cache of what is in memory anyway. */
  constructor(run: Run, bounds: CursorBounds, rank: number, loader: BlockLoader, isPass: boolean) {
    this.rank = rank;
    this.#run = run;
    this.#window = isPass ? new PassWindow() : undefined;
    this.#loader = loader;
    this.#decoded = loader.takeDecodedBlock();
    this.#bounds = bounds;
    this.#step = bounds.reverse ? -1 : 1;
    const { tables, lowers } = run;
    const isWithin = (index: number): boolean =>
      compareKeys(lowers[index]!, bounds.upper) < 0 &&
      compareKeys(bounds.lower, tables[index]!.upper) < 0;
    this.#lowers = lowers.filter((_lower, index) => isWithin(index));
    this.#tables = tables.filter((_table, index) => isWithin(index));
    this.#table = bounds.reverse ? this.#tables.length : -1;
    this.#nextTable();
  }

  advance(): void {
    this.#entry += this.#step;
    if (this.#entry >= this.#first && this.#entry < this.#end) this.#show();
    else this.#nextBlock();
  }

  /** Goes on after `need` was loaded; stays blocked when it is not resident. */
  resume(): void {
    if (this.state !== BLOCKED) return;
    if (this.#tail === undefined) this.#openTable();
    else this.#openBlock();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.state = END;
    this.#hold(undefined);
    this.#window?.close();
    this.#loader.giveBackDecodedBlock(this.#decoded);
  }

  /** Bytes read ahead that wait for this cursor alone. */
  get aheadBytes(): number {
    return this.#window?.usedBytes ?? 0;
  }

  /** What a pass will need soon: worth asking for when others wait anyway. */
  get soon(): CursorNeed | undefined {
    if (this.#window === undefined || this.state !== ENTRY) return undefined;
    const table = this.#tables[this.#table]!;
    if (table.bytes !== undefined) return undefined;
    const index = this.#window.wanted(table, this.#block + 1);
    if (index === undefined || index > this.#lastBlock) return undefined;
    return this.#needOf(table, index);
  }

  #nextTable(): void {
    this.#table += this.#step;
    this.#tail = undefined;
    if (this.#table < 0 || this.#table >= this.#tables.length) {
      this.state = END;
      this.need = undefined;
      this.#hold(undefined);
      return;
    }
    this.#openTable();
  }

  #openTable(): void {
    const table = this.#tables[this.#table]!;
    const tail = this.#loader.tail(table);
    if (tail === undefined) {
      this.#blockOn(table, TAIL);
      return;
    }
    this.#tail = tail;
    const bounds = this.#bounds;
    const lower = this.#lowers[this.#table]!;
    this.#lower = compareKeys(lower, bounds.lower) > 0 ? lower : bounds.lower;
    this.#upper = compareKeys(table.upper, bounds.upper) < 0 ? table.upper : bounds.upper;
    const first = tail.blockFor(this.#lower, 0, this.#lower.length);
    const last = Math.min(
      tail.blockFor(this.#upper, 0, this.#upper.length),
      tail.blocks.length - 1,
    );
    this.#block = this.#step > 0 ? first - 1 : last + 1;
    this.#lastBlock = this.#step > 0 ? last : first;
    this.#nextBlock();
  }

  #nextBlock(): void {
    this.#block += this.#step;
    if (this.#step > 0 ? this.#block > this.#lastBlock : this.#block < this.#lastBlock) {
      this.#nextTable();
      return;
    }
    this.#openBlock();
  }

  #openBlock(): void {
    const table = this.#tables[this.#table]!;
    const tail = this.#loader.keepTail(table, this.#tail!);
    if (tail === undefined) {
      this.#blockOn(table, TAIL);
      return;
    }
    this.#tail = tail;
    const block = this.#window
      ? this.#loader.passingBlock(table, this.#block, this.#window)
      : this.#loader.block(table, this.#block);
    if (block === undefined) {
      this.#blockOn(table, this.#block);
      return;
    }
    this.#hold(block);
    const decoded = this.#decoded;
    decoded.load(block);
    this.#first = this.#lowerBound(this.#lower);
    this.#end = this.#lowerBound(this.#upper);
    this.#entry = this.#step > 0 ? this.#first : this.#end - 1;
    if (this.#first >= this.#end) {
      this.#nextBlock();
      return;
    }
    this.key = decoded.keys;
    this.value = decoded.bytes;
    this.valueView = block.view;
    this.#show();
  }

  #hold(block: Block | undefined): void {
    block?.hold();
    this.#held?.release();
    this.#held = block;
  }

  #show(): void {
    const decoded = this.#decoded;
    const entry = this.#entry;
    this.head = decoded.heads[entry]!;
    this.prefix = decoded.prefixes[entry]!;
    this.keyOffset = decoded.keyOffsets[entry]!;
    this.keyLength = decoded.keyLengths[entry]!;
    this.kind = decoded.kinds[entry]!;
    this.valueOffset = decoded.valueOffsets[entry]!;
    this.valueLength = decoded.valueLengths[entry]!;
    this.expiresAt = decoded.expiries[entry]!;
    this.state = ENTRY;
    this.need = undefined;
  }

  #blockOn(table: Table, index: number): void {
    this.state = BLOCKED;
    this.need = this.#needOf(table, index);
  }

  #needOf(table: Table, index: number): CursorNeed {
    return { table, index, run: this.#run, tail: this.#tail, window: this.#window };
  }

  #lowerBound(key: Uint8Array): number {
    const { keys, keyOffsets, keyLengths, count } = this.#decoded;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = compareBytes(
        keys,
        keyOffsets[middle]!,
        keyLengths[middle]!,
        key,
        0,
        key.length,
      );
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const EMPTY = new Uint8Array(0);
