/**
 * Point reads: memtables, then one table of each run, newest first, until the value is known.
 * Synchronous over what is resident; the same walk says what is missing.
 */
import type { Lookup } from "../engine-types.ts";
import type { Memtable } from "../memtable/memtable.ts";
import { KIND_DELETE, KIND_MERGE, KIND_PUT } from "../memtable/entry-kind.ts";
import type { MergeOperator } from "../options.ts";
import { BlockReader } from "../sst/block.ts";
import type { Block } from "../sst/block.ts";
import { buildPointIndex, findInPointIndex } from "../sst/point-index.ts";
import { stateIdOf } from "../state/state-key.ts";
import { BOTTOM_LEVEL } from "../version/version.ts";
import type { Run } from "../version/version.ts";
import { TAIL } from "./block-loader.ts";
import type { BlockLoader, BlockNeed } from "./block-loader.ts";
import { findTable } from "./find-table.ts";
import { operatorOf } from "./merge-operands.ts";
import type { ReadView } from "./read-view.ts";

/** What a source says of the key: go on to older ones, or not; or it cannot say yet. */
const OLDER = 0;
const DONE = 1;
const MISSING = 2;

export class PointReader {
  readonly #loader: BlockLoader;
  readonly #mergeOperators: ReadonlyMap<number, MergeOperator>;
  readonly #reader = new BlockReader();
  #operands: Uint8Array[] = [];
  #base: Uint8Array | undefined;
  #time = 0;
  #need: BlockNeed | undefined;

  constructor(loader: BlockLoader, mergeOperators: ReadonlyMap<number, MergeOperator>) {
    this.#loader = loader;
    this.#mergeOperators = mergeOperators;
  }

  lookup(view: ReadView, key: Uint8Array, offset: number, length: number, hash: number): Lookup {
    const outcome = this.#walk(view, key, offset, length, hash, undefined);
    if (outcome === MISSING) return "notResident";
    const base = this.#base;
    const operands = this.#operands;
    if (operands.length === 0) return base ?? "missing";
    const operator = operatorOf(this.#mergeOperators, stateIdOf(key, offset));
    let value = operands[0]!;
    for (let index = 1; index < operands.length; index++) {
      value = operator.combine(operands[index]!, value);
    }
    return operator.apply(base, value);
  }

  /** Adds what a lookup of the key needs and is not resident. Tails first: blocks show only behind them. */
  collectNeeds(view: ReadView, key: Uint8Array, hash: number, needs: BlockNeed[]): void {
    this.#walk(view, key, 0, key.length, hash, needs);
  }

  #walk(
    view: ReadView,
    key: Uint8Array,
    offset: number,
    length: number,
    hash: number,
    needs: BlockNeed[] | undefined,
  ): number {
    this.#base = undefined;
    if (this.#operands.length > 0) this.#operands = [];
    this.#time = view.time;
    for (const memtable of view.memtables) {
      if (this.#inMemtable(memtable, key, offset, length, hash) === DONE) return DONE;
    }
    for (const run of view.version.runs) {
      const outcome = this.#inRun(run, key, offset, length, hash);
      if (outcome === DONE) return DONE;
      if (outcome === MISSING) {
        if (needs === undefined) return MISSING;
        needs.push(this.#need!);
      }
    }
    return DONE;
  }

  #inMemtable(
    memtable: Memtable,
    key: Uint8Array,
    offset: number,
    length: number,
    hash: number,
  ): number {
    const entry = memtable.find(key, offset, length, hash);
    if (entry >= 0) {
      if (memtable.isCovered(entry)) return DONE;
      const kind = memtable.kind(entry);
      const isExpired = memtable.expiresAt(entry) <= this.#time;
      if (kind === KIND_DELETE || (isExpired && kind !== KIND_MERGE)) return DONE;
      if (!isExpired && this.#take(kind, memtable.value(entry)) === DONE) return DONE;
    }
    if (memtable.tombstones.isEmpty) return OLDER;
    return memtable.tombstones.covering(key, offset, length) >= 0 ? DONE : OLDER;
  }

  #inRun(run: Run, key: Uint8Array, offset: number, length: number, hash: number): number {
    const table = findTable(run, key, offset, length, this.#loader);
    if (table === undefined) return OLDER;
    const tail = this.#loader.tail(table);
    if (tail === undefined) {
      this.#need = { table, index: TAIL };
      return MISSING;
    }
    // What is neither in newer runs nor here is nowhere: the filter is for blocks that have to be fetched.
    const isBottom = run.level === BOTTOM_LEVEL;
    if (isBottom || tail.mayContain(hash)) {
      const index = tail.blockFor(key, offset, length);
      if (index < tail.blocks.length) {
        const block = this.#loader.block(table, index);
        if (block === undefined) {
          if (isBottom && !tail.mayContain(hash)) return OLDER;
          this.#need = { table, index };
          return MISSING;
        }
        const reader = this.#reader;
        if (this.#find(block, key, offset, length, hash)) {
          const { kind, valueOffset, valueLength } = reader;
          const isExpired = reader.expiresAt <= this.#time;
          if (kind === KIND_DELETE || (isExpired && kind !== KIND_MERGE)) return DONE;
          const value = block.part(valueOffset, valueLength);
          if (!isExpired && this.#take(kind, value) === DONE) return DONE;
        }
      }
    }
    return !isBottom && tail.deletes(key, offset, length) ? DONE : OLDER;
  }

  /** The block's entry of the key in the reader's fields; false when there is none. */
  #find(block: Block, key: Uint8Array, offset: number, length: number, hash: number): boolean {
    const reader = this.#reader;
    const index = block.index ?? this.#indexOf(block);
    if (index === undefined) return reader.find(block, key, offset, length);
    const at = findInPointIndex(block, index, key, offset, length, hash);
    if (at < 0) return false;
    reader.read(block, at);
    return true;
  }

  /** Undefined for a block that is searched for the first time, and for one that cannot have an index. */
  #indexOf(block: Block): Uint32Array | undefined {
    if (!block.wasSearched) block.wasSearched = true;
    else if (buildPointIndex(block)) this.#loader.cache.recharge(block, block.index!.byteLength);
    return block.index;
  }

  #take(kind: number, value: Uint8Array): number {
    if (kind === KIND_PUT) {
      this.#base = value;
      return DONE;
    }
    this.#operands.push(value);
    return OLDER;
  }
}
