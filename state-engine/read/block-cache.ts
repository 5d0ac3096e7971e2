/**
 * Accounts for everything that is resident and can be read again: blocks, tails, and the bytes of
 * confirmed tables. Second-chance eviction (CLOCK). Adding never evicts: only trim() does, called
 * between operations, so what an operation made resident stays until it is done.
 */
import type { Block } from "../sst/block.ts";
import type { Table } from "../sst/table.ts";

const TAIL = -1;
const WHOLE = -2;

interface CacheItem {
  readonly table: Table;
  /** Block number, or TAIL or WHOLE. */
  readonly index: number;
  readonly block: Block | undefined;
  readonly bytes: number;
}

export class BlockCache {
  #items: CacheItem[] = [];
  /** Tables whose bytes are among the items. */
  readonly #whole = new Set<Table>();
  /** Blocks of tables that were dropped, as long as cursors stand on them. */
  readonly #held = new Set<Block>();
  #hand = 0;
  #bytes = 0;

  get usedBytes(): number {
    return this.#bytes;
  }

  readonly addBlock = (table: Table, index: number, block: Block): void => {
    this.#add({ table, index, block, bytes: block.chargedBytes });
  };

  addTail(table: Table): void {
    this.#add({ table, index: TAIL, block: undefined, bytes: table.tail!.usedBytes });
  }

  /** The bytes of a confirmed table: they may go whenever an object holds them. Adding them twice counts once. */
  addWhole(table: Table): void {
    if (this.#whole.has(table)) return;
    this.#whole.add(table);
    this.#add({ table, index: WHOLE, block: undefined, bytes: table.size });
  }

  /** Counts what was added to a block that is in here. */
  readonly recharge = (block: Block, bytes: number): void => {
    block.chargedBytes += bytes;
    this.#bytes += bytes;
  };

  /** Lets go of a table that is not read any more. */
  drop(table: Table): void {
    for (const item of this.#items) {
      if (item.table !== table || !this.#isLive(item)) continue;
      if (item.block?.isHeld) this.#held.add(item.block);
      else this.#bytes -= bytesOf(item);
      item.block?.evicted();
    }
    this.#items = this.#items.filter((item) => item.table !== table);
    this.#whole.delete(table);
    this.#hand = 0;
    table.blocks.length = 0;
    table.tail = undefined;
  }

  /** Evicts until at most `limitBytes` are held, but nothing that cursors stand on. */
  trim(limitBytes: number): void {
    for (const block of this.#held) {
      if (block.isHeld) continue;
      this.#held.delete(block);
      this.#bytes -= block.chargedBytes;
    }
    let chances = this.#items.length * 2;
    while (this.#bytes > limitBytes && this.#items.length > 0 && chances-- > 0) {
      if (this.#hand >= this.#items.length) this.#hand = 0;
      const item = this.#items[this.#hand]!;
      if (!this.#isLive(item)) this.#remove();
      else if (item.block?.isHeld) this.#hand++;
      else if (item.block?.isReferenced) {
        item.block.isReferenced = false;
        this.#hand++;
      } else if (item.index === TAIL && chances > this.#items.length) {
        this.#hand++;
      } else if (item.index === WHOLE && !item.table.canBeReadAgain) {
        // It moved from an object into the manifest since.
        this.#hand++;
      } else {
        this.#evict(item);
      }
    }
  }

  #add(item: CacheItem): void {
    this.#items.push(item);
    this.#bytes += item.bytes;
  }

  #isLive({ table, index, block }: CacheItem): boolean {
    if (index === TAIL) return table.tail !== undefined;
    if (index === WHOLE) return table.bytes !== undefined;
    return table.blocks[index] === block;
  }

  /** Takes the item under the hand out of the list; the last one takes its place. */
  #remove(): void {
    const { table, index } = this.#items[this.#hand]!;
    if (index === WHOLE) this.#whole.delete(table);
    const last = this.#items.pop()!;
    if (this.#hand < this.#items.length) this.#items[this.#hand] = last;
  }

  #evict(item: CacheItem): void {
    const { table, index } = item;
    if (index === TAIL) {
      table.tail = undefined;
    } else if (index === WHOLE) {
      table.release();
    } else {
      table.blocks[index] = undefined;
      item.block!.evicted();
    }
    this.#bytes -= bytesOf(item);
    this.#remove();
  }
}

function bytesOf({ block, bytes }: CacheItem): number {
  return block === undefined ? bytes : block.chargedBytes;
}
