/**
 * A table as the engine holds it: its reference, where its bytes are now (in memory, inline, in an
 * object), and what of it is resident. The bytes never change; only where they are does.
 *
 * Resident reads are synchronous; what is missing is loaded by read/block-loader.ts.
 */
import { assert } from "../assert.ts";
import { freeBuffer, freeBytes } from "../bytes/free.ts";
import { decodeBase64, decodeHex } from "../bytes/text.ts";
import { compareKeys } from "../bytes/compare.ts";
import type { CompressionName, Environment } from "../environment.ts";
import { keyGroupStart } from "../state/state-key.ts";
import type { KeyGroupRange, TableReference } from "../version/table-reference.ts";
import type { PassWindow } from "../read/pass-window.ts";
import { Block } from "./block.ts";
import { compressTable } from "./compress-table.ts";
import { readFrame, readOwnFrame } from "./format.ts";
import type { KeyRange } from "./properties.ts";
import { TableTail } from "./table-tail.ts";

/**
 * Where the bytes are on record:
 * - memory: nowhere but here.
 * - written: in an object (or, inline, in an acknowledgement) that no confirmed checkpoint names yet.
 * - confirmed: a completed checkpoint names it; it may be built upon.
 */
export type TableDurability = "memory" | "written" | "confirmed";

/** Objects around the bytes of a block. */
const BLOCK_OVERHEAD_BYTES = 128;
const NO_RANGES: readonly KeyRange[] = [];

/** A table built without compression, which is done when it is stored. */
export interface DeferredCompression {
  readonly compression: CompressionName | "none";
  /** About how many bytes it will take then. */
  readonly expectedBytes: number;
}

/** What a table is, without its place among the levels and what is left of it there. */
export type TableDescription = Omit<TableReference, "level" | "run" | "fromKey">;

export class Table {
  description: TableDescription;
  /** Where a completed checkpoint has it. Read from there: what was written since may be given up again. */
  confirmed: TableDescription | undefined;
  durability: TableDurability;
  /** An acknowledgement named the written object: if that checkpoint was given up, the object is no longer ours [10]. */
  wasAcknowledged = false;
  /** What there is to see, clip applied: from `lower` (included) to `upper` (excluded). Its run may show less. */
  readonly lower: Uint8Array;
  readonly upper: Uint8Array;
  bytes: Uint8Array | undefined;
  /** What it was built in. Nobody else has it, so it goes as a whole, with the room behind `bytes`. */
  #ownBuffer: ArrayBufferLike | undefined;
  /** Uploads under way that read `bytes`. */
  #borrowers = 0;
  tail: TableTail | undefined;
  readonly blocks: (Block | undefined)[] = [];
  /** What is left to do before the table is stored; undefined when it is as it will be stored. */
  #deferred: DeferredCompression | undefined;
  /** Undefined until the tail was read once; then kept, because every scan over the table asks for them. */
  deletedRanges: readonly KeyRange[] | undefined;

  /** `bytes`: as built, in a buffer that is the table's from now on. */
  constructor(
    description: TableDescription,
    durability: TableDurability,
    bytes?: Uint8Array,
    deferred?: DeferredCompression,
  ) {
    this.description = description;
    this.#deferred = deferred;
    this.durability = durability;
    this.confirmed = durability === "confirmed" ? description : undefined;
    const { keyGroups, inline } = description;
    this.bytes = bytes ?? (inline === undefined ? undefined : decodeBase64(inline));
    this.#ownBuffer = bytes?.buffer;
    this.deletedRanges = description.deletedRanges ? undefined : NO_RANGES;
    const smallest = decodeHex(description.smallestKey);
    const clipStart = keyGroupStart(keyGroups.first);
    const clipEnd = keyGroupStart(keyGroups.last + 1);
    const end = successor(decodeHex(description.largestKey));
    this.lower = compareKeys(smallest, clipStart) > 0 ? smallest : clipStart;
    this.upper = compareKeys(end, clipEnd) < 0 ? end : clipEnd;
  }

  get size(): number {
    return this.description.size;
  }

  /** Bytes the table takes where it is stored; expected ones as long as it is not compressed. */
  get storedBytes(): number {
    return this.#deferred?.expectedBytes ?? this.size;
  }

  /**
   * Compresses a table that was built without: from now on it is as it will be stored. Blocks keep their
   * numbers, so whoever reads it goes on. Answers how many bytes that saved.
   */
  compress(environment: Environment): number {
    const deferred = this.#deferred;
    if (deferred === undefined) return 0;
    const { compression, expectedBytes } = deferred;
    const { size } = this;
    const { bytes, indexOffset } = compressTable(
      this.bytes!,
      compression,
      expectedBytes,
      environment,
      this.what,
    );
    this.#deferred = undefined;
    this.discard();
    this.bytes = bytes;
    this.#ownBuffer = bytes.buffer;
    this.description = { ...this.description, size: bytes.length, indexOffset };
    // The same separators, filter and properties: only the places of the blocks are new.
    if (this.tail !== undefined) this.setTail(bytes.subarray(indexOffset), environment);
    return size - bytes.length;
  }

  /** Path and offset to read from. */
  get source(): TableDescription {
    return this.confirmed ?? this.description;
  }

  /**
   * The object at `path` is gone: whether the bytes are to be read from another. An object dies only once a
   * checkpoint without it has completed, so what was written elsewhere since is in that checkpoint, although
   * the notice of it may still be on its way [7].
   */
  leave(path: string): boolean {
    const { description, durability } = this;
    const isElsewhere = durability === "written" && description.path !== path;
    if (this.source.path === path && isElsewhere) this.confirmed = description;
    return this.source.path !== path;
  }

  /** Whether an object holds the bytes where readers look: otherwise they have to stay in memory. */
  get canBeReadAgain(): boolean {
    return this.durability !== "memory" && this.source.inline === undefined;
  }

  get what(): string {
    const { id, path, offset } = this.source;
    return `table ${id} (${path}, offset ${offset})`;
  }

  /** The tail if it is, or can be made, resident without I/O. */
  residentTail(environment: Environment): TableTail | undefined {
    if (this.tail === undefined && this.bytes !== undefined) {
      this.setTail(this.bytes.subarray(this.description.indexOffset), environment);
    }
    return this.tail;
  }

  setTail(bytes: Uint8Array, environment: Environment): void {
    this.tail = new TableTail(bytes, this.description.indexOffset, environment, this.what);
    this.deletedRanges ??= this.tail.properties.deletedRanges;
  }

  /** A block if it is, or can be made, resident without I/O. The second case is told to `made`. */
  residentBlock(
    index: number,
    environment: Environment,
    made: (table: Table, index: number, block: Block) => void,
  ): Block | undefined {
    const block = this.blocks[index];
    if (block !== undefined) {
      // A store to each block that is read would have all of them written back to memory.
      if (!block.isReferenced) block.isReferenced = true;
      return block;
    }
    if (this.bytes === undefined) return undefined;
    const { offset, size } = this.tail!.blocks[index]!;
    return this.setBlock(index, this.bytes.subarray(offset, offset + size), environment, made);
  }

  /**
   * A block for one pass over the table, as a compaction makes: nothing is kept for others, and its bytes
   * go when the cursor that holds it moves on. Without I/O, from `window` or from memory.
   */
  passingBlock(index: number, environment: Environment, window: PassWindow): Block | undefined {
    const block = this.blocks[index];
    if (block !== undefined) return block;
    const what = this.#nameOf(index);
    const stored = window.stored(this, index);
    if (stored !== undefined) {
      const raw = readFrame(stored, 0, stored.length, environment, what);
      // The window keeps it for as long as the cursor stands on it.
      return new Block(raw, 0, what, raw.buffer === stored.buffer ? "others" : "cursors");
    }
    if (this.bytes === undefined) return undefined;
    const { offset, size } = this.tail!.blocks[index]!;
    const read = this.durability === "memory" ? readOwnFrame : readFrame;
    const raw = read(this.bytes, offset, size, environment, what);
    return new Block(raw.buffer === this.bytes.buffer ? raw.slice() : raw, 0, what, "cursors");
  }

  /** Checks a block's stored bytes and keeps it, in an array of its own. */
  setBlock(
    index: number,
    stored: Uint8Array,
    environment: Environment,
    made: (table: Table, index: number, block: Block) => void,
  ): Block {
    const what = this.#nameOf(index);
    const raw = readFrame(stored, 0, stored.length, environment, what);
    // A view of a table's or an answer's bytes would keep all of them alive.
    const own = raw.buffer === stored.buffer ? raw.slice() : raw;
    const block = new Block(own, own.length + BLOCK_OVERHEAD_BYTES, what, "cache");
    this.blocks[index] = block;
    made(this, index, block);
    return block;
  }

  #nameOf(block: number): string {
    const handle = this.tail?.blocks[block];
    const where = handle === undefined ? "" : ` at offset ${handle.offset}`;
    return `Block ${block}${where} of ${this.what}`;
  }

  /** Lets go of the bytes of a table that can be read again. */
  release(): void {
    assert(this.canBeReadAgain, "a table leaves memory only once an object holds it");
    this.discard();
  }

  /** Lets go of the bytes of a table that nobody reads any more. */
  discard(): void {
    if (this.bytes !== undefined && this.#borrowers === 0) this.#free(this.bytes);
    this.bytes = undefined;
  }

  /** Somebody reads the bytes across waits: they stay readable until giveBack(). */
  borrow(): void {
    this.#borrowers++;
  }

  /** `bytes`: what was read, not needed by the borrower any more. */
  giveBack(bytes: Uint8Array | undefined): void {
    this.#borrowers--;
    if (bytes !== undefined && bytes !== this.bytes && this.#borrowers === 0) this.#free(bytes);
  }

  #free(bytes: Uint8Array): void {
    if (bytes.buffer === this.#ownBuffer) freeBuffer(bytes.buffer);
    else freeBytes(bytes);
  }
}

/** Part of both ranges; undefined when they do not meet. */
export function intersectKeyGroups(
  left: KeyGroupRange,
  right: KeyGroupRange,
): KeyGroupRange | undefined {
  const first = Math.max(left.first, right.first);
  const last = Math.min(left.last, right.last);
  return first <= last ? { first, last } : undefined;
}

/** The smallest key above this one. */
export function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
