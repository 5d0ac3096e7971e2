/** What the cache counts and evicts of blocks that cursors stand on, and of tables that are dropped under them. */
import { describe, expect, test } from "vitest";
import { KIND_PUT } from "../../state-engine/memtable/entry-kind.ts";
import { BlockCache } from "../../state-engine/read/block-cache.ts";
import { Block } from "../../state-engine/sst/block.ts";
import { BlockBuilder } from "../../state-engine/sst/block-builder.ts";
import { Table } from "../../state-engine/sst/table.ts";

const BLOCK_BYTES = 1_000;

/** A cache with blocks of tables, each of which counts for BLOCK_BYTES. */
class Blocks {
  readonly cache = new BlockCache();

  table(): Table {
    return new Table(
      {
        id: "t",
        path: "t",
        offset: 0,
        size: 10 * BLOCK_BYTES,
        keyGroups: { first: 0, last: 7 },
        smallestKey: "000001",
        largestKey: "000002",
        entries: 1,
        tombstones: 0,
        smallestSequence: 1,
        largestSequence: 1,
        formatVersion: 1,
        indexOffset: 9 * BLOCK_BYTES,
      },
      "confirmed",
    );
  }

  add(table: Table, index: number): Block {
    const builder = new BlockBuilder(64, 4);
    builder.add(Uint8Array.of(index), 0, 1, KIND_PUT, Uint8Array.of(index), 0, 1, Infinity);
    const block = new Block(builder.finish().slice(), BLOCK_BYTES, `block ${index}`, "cache");
    // As if nobody had searched it since the hand last passed.
    block.isReferenced = false;
    table.blocks[index] = block;
    this.cache.addBlock(table, index, block);
    return block;
  }
}

describe("A block that a cursor stands on", () => {
  test("stays when room is made, and others go in its place", () => {
    const blocks = new Blocks();
    const table = blocks.table();
    const [held, other] = [blocks.add(table, 0), blocks.add(table, 1)];
    held.hold();
    blocks.cache.trim(BLOCK_BYTES);
    expect(table.blocks).toEqual([held, undefined]);
    expect([held.bytes.length > 0, other.bytes.length]).toEqual([true, 0]);
    blocks.cache.trim(0);
    expect([table.blocks[0], blocks.cache.usedBytes]).toEqual([held, BLOCK_BYTES]);
  });

  test("goes like any other when the last of its cursors has moved on", () => {
    const blocks = new Blocks();
    const table = blocks.table();
    const block = blocks.add(table, 0);
    block.hold();
    block.hold();
    block.release();
    blocks.cache.trim(0);
    expect(table.blocks[0]).toBe(block);
    block.release();
    expect(block.bytes.length).toBeGreaterThan(0);
    blocks.cache.trim(0);
    expect([table.blocks[0], block.bytes.length, blocks.cache.usedBytes]).toEqual([
      undefined,
      0,
      0,
    ]);
  });
});

describe("A table that is dropped", () => {
  test("gives the bytes of its blocks back at once, and leaves those of other tables alone", () => {
    const blocks = new Blocks();
    const [gone, stays] = [blocks.table(), blocks.table()];
    const freed = blocks.add(gone, 0);
    const kept = blocks.add(stays, 0);
    blocks.cache.drop(gone);
    expect([gone.blocks.length, freed.bytes.length, kept.bytes.length > 0]).toEqual([0, 0, true]);
    expect(blocks.cache.usedBytes).toBe(BLOCK_BYTES);
  });

  test("counts with the block a cursor stands on until the cursor has moved on, and then once", () => {
    const blocks = new Blocks();
    const table = blocks.table();
    const held = blocks.add(table, 0);
    blocks.add(table, 1);
    held.hold();
    blocks.cache.drop(table);
    expect([table.blocks.length, held.bytes.length > 0]).toEqual([0, true]);
    expect(blocks.cache.usedBytes).toBe(BLOCK_BYTES);
    blocks.cache.trim(0);
    expect(blocks.cache.usedBytes).toBe(BLOCK_BYTES);
    held.release();
    expect(held.bytes.length).toBe(0);
    for (const _again of [1, 2]) {
      blocks.cache.trim(0);
      expect(blocks.cache.usedBytes).toBe(0);
    }
  });

  test("counts with all that a held block took on, also after it was dropped", () => {
    const blocks = new Blocks();
    const table = blocks.table();
    const held = blocks.add(table, 0);
    held.hold();
    blocks.cache.recharge(held, 50);
    blocks.cache.drop(table);
    blocks.cache.recharge(held, 7);
    expect(blocks.cache.usedBytes).toBe(BLOCK_BYTES + 57);
    held.release();
    blocks.cache.trim(BLOCK_BYTES);
    expect(blocks.cache.usedBytes).toBe(0);
  });

  test("may leave nothing to evict but what cursors stand on", () => {
    const blocks = new Blocks();
    const [gone, stays] = [blocks.table(), blocks.table()];
    blocks.add(gone, 0).hold();
    blocks.add(stays, 0);
    blocks.cache.drop(gone);
    blocks.cache.trim(0);
    expect([stays.blocks[0], blocks.cache.usedBytes]).toEqual([undefined, BLOCK_BYTES]);
  });
});
