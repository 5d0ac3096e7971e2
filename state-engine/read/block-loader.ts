/**
 * Brings tails and blocks into memory. Ranges of one object closer than 64 KiB are read as one, at
 * most six requests are in flight, and bodies are read to the end [35].
 */
import type { BlobStore } from "../blob-store/blob-store.ts";
import { freeBytes } from "../bytes/free.ts";
import { plainBytes } from "../bytes/copy.ts";
import type { Environment } from "../environment.ts";
import { StateEngineError } from "../errors.ts";
import { REQUESTS_IN_FLIGHT, joinedRangeLimit, passPieceLimit, readAheadLimit } from "../limits.ts";
import type { Block } from "../sst/block.ts";
import { DecodedBlock } from "../sst/decoded-block.ts";
import type { BlockHandle } from "../sst/format.ts";
import type { Table } from "../sst/table.ts";
import type { TableTail } from "../sst/table-tail.ts";
import type { Run, Version } from "../version/version.ts";
import type { BlockCache } from "./block-cache.ts";
import type { PassWindow } from "./pass-window.ts";

const JOIN_GAP_BYTES = 64 * 1024;
/** Decoded blocks kept for the next cursors, about 10 KiB each. */
const MOST_DECODED_BLOCKS = 32;
/** Those that had to grow beyond this are not kept. */
const LARGEST_DECODED_BYTES = 64 * 1024;

/** The number that stands for a table's tail in a need. */
export const TAIL = -1;

export interface BlockNeed {
  readonly table: Table;
  readonly index: number;
}

/** What a cursor over a run waits for. */
export interface CursorNeed extends BlockNeed {
  readonly run: Run;
  /** Of the table, held by the cursor: the cache may have let go of it. */
  readonly tail: TableTail | undefined;
  /** Of a pass: its blocks come here. */
  readonly window: PassWindow | undefined;
}

/** A need and where its bytes are, found out before the request: the tail may be evicted during it. */
interface PlacedNeed extends BlockNeed {
  readonly path: string;
  readonly start: number;
  readonly size: number;
}

interface Range {
  readonly path: string;
  readonly start: number;
  end: number;
  readonly needs: PlacedNeed[];
}

/** As much of a range as it takes to read it. */
type PlaceOf = Pick<Range, "path" | "start" | "end"> & {
  readonly needs: readonly Pick<BlockNeed, "table">[];
};

export class BlockLoader {
  readonly #environment: Environment;
  readonly #blobStore: BlobStore;
  readonly cache: BlockCache;
  readonly #cacheLimit: () => number;
  readonly #decodedBlocks: DecodedBlock[] = [];
  readonly #decodedBlocksInUse = new Set<DecodedBlock>();
  gets = 0;
  bytesRead = 0;

  /** `cacheLimit`: bytes the cache may hold at the moment. */
  constructor(
    environment: Environment,
    blobStore: BlobStore,
    cache: BlockCache,
    cacheLimit: () => number,
  ) {
    this.#environment = environment;
    this.#blobStore = blobStore;
    this.cache = cache;
    this.#cacheLimit = cacheLimit;
  }

  /** The table's tail when no I/O is needed for it. */
  tail(table: Table): TableTail | undefined {
    if (table.tail !== undefined) return table.tail;
    const tail = table.residentTail(this.#environment);
    if (tail !== undefined) this.cache.addTail(table);
    return tail;
  }

  /**
   * tail() for a holder of an earlier one: puts that back when the cache let it go. A table that was
   * compressed meanwhile has its blocks in other places, and needs the new one.
   */
  keepTail(table: Table, tail: TableTail): TableTail | undefined {
    const resident = this.tail(table);
    if (resident !== undefined || tail.indexOffset !== table.description.indexOffset) {
      return resident;
    }
    table.tail = tail;
    this.cache.addTail(table);
    return tail;
  }

  /** The block when no I/O is needed for it; the tail must be resident. */
  block(table: Table, index: number): Block | undefined {
    return table.residentBlock(index, this.#environment, this.cache.addBlock);
  }

  /** Room for a cursor to unfold blocks in: one that another cursor is done with, or a new one. */
  takeDecodedBlock(): DecodedBlock {
    const decoded = this.#decodedBlocks.pop() ?? new DecodedBlock();
    this.#decodedBlocksInUse.add(decoded);
    return decoded;
  }

  giveBackDecodedBlock(decoded: DecodedBlock): void {
    this.#decodedBlocksInUse.delete(decoded);
    const isKept =
      this.#decodedBlocks.length < MOST_DECODED_BLOCKS &&
      decoded.usedBytes <= LARGEST_DECODED_BYTES;
    if (isKept) this.#decodedBlocks.push(decoded);
    else decoded.free();
  }

  /** Bytes that cursors unfold blocks in, and those kept for the next ones. */
  get cursorBytes(): number {
    let bytes = 0;
    for (const { usedBytes } of this.#decodedBlocks) bytes += usedBytes;
    for (const { usedBytes } of this.#decodedBlocksInUse) bytes += usedBytes;
    return bytes;
  }

  /** block() for a reader that passes over the whole table once and leaves nothing in the cache. */
  passingBlock(table: Table, index: number, window: PassWindow): Block | undefined {
    return table.passingBlock(index, this.#environment, window);
  }

  /** Brings what passes over `runs` runs wait for, and what they will, into their windows; tails into the cache. */
  async loadPasses(needs: readonly CursorNeed[], runs: number): Promise<void> {
    this.cache.trim(this.#cacheLimit());
    const pieceBytes = passPieceLimit(this.#environment.memory.share(), runs);
    await this.load(needs.filter(({ index }) => index === TAIL));
    await Promise.all(
      needs.map(async ({ table, index, window, tail }) => {
        // A table that was compressed meanwhile has its blocks in other places.
        const isCurrent = tail?.indexOffset === table.description.indexOffset;
        if (index === TAIL || window === undefined || !isCurrent) return;
        // A checkpoint that takes the table into its manifest has brought all of it back meanwhile.
        if (table.bytes !== undefined) return;
        const handles = tail.blocks;
        const { path, offset } = table.source;
        const from = handles[index]!.offset;
        let last = index;
        while (last + 1 < handles.length && endOf(handles[last + 1]!) - from <= pieceBytes) last++;
        const start = offset + from;
        const range = { path, start, end: offset + endOf(handles[last]!), needs: [{ table }] };
        const bytes = await this.#getRangeUnlessMoved(range);
        if (bytes !== undefined) window.add(table, index, last + 1, handles, bytes);
      }),
    );
  }

  /** Makes all of it resident. A tail that was let go since the block was asked for comes first. */
  async load(needs: readonly BlockNeed[]): Promise<void> {
    for (;;) {
      const tails = needs.filter(
        ({ table, index }) => index !== TAIL && this.tail(table) === undefined,
      );
      if (tails.length === 0) break;
      await this.#loadAll(tails.map(({ table }) => ({ table, index: TAIL })));
    }
    await this.#loadAll(needs);
  }

  async #loadAll(needs: readonly BlockNeed[]): Promise<void> {
    const missing = needs.filter((need) => !this.#isResident(need));
    if (missing.length === 0) return;
    const ranges = joinRanges(missing, joinedRangeLimit(this.#environment.memory.share()));
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < ranges.length) await this.#read(ranges[next++]!);
    };
    await Promise.all(Array.from({ length: REQUESTS_IN_FLIGHT }, work));
  }

  /**
   * load() for cursors that together go on for `wantedBytes`: what lies next in their direction comes along,
   * of each run its part, as far as memory allows. They hold what they stand on, so the cache makes room
   * first, however long the way is.
   */
  async loadAhead(
    needs: readonly CursorNeed[],
    { runs }: Version,
    wantedBytes: number,
    reverse: boolean,
  ): Promise<void> {
    this.cache.trim(this.#cacheLimit());
    const share = this.#environment.memory.share();
    const total = runs.reduce((sum, run) => sum + run.bytes, 0);
    const all: BlockNeed[] = [];
    for (const { table, index, run } of needs) {
      all.push({ table, index });
      if (index === TAIL) continue;
      const wanted = (wantedBytes * run.bytes) / total;
      const aheadBytes = readAheadLimit(wanted, share, needs.length);
      let bytes = 0;
      for (let next = index; bytes < aheadBytes;) {
        next += reverse ? -1 : 1;
        const handle = table.tail?.blocks[next];
        if (handle === undefined) break;
        bytes += handle.size;
        all.push({ table, index: next });
      }
    }
    await this.load(all);
  }

  /** A whole table's bytes. */
  async whole(table: Table): Promise<Uint8Array> {
    if (table.bytes !== undefined) return table.bytes;
    const { path, offset, size } = table.source;
    const place = { path, start: offset, end: offset + size, needs: [{ table }] };
    return (await this.#getRangeUnlessMoved(place)) ?? (await this.whole(table));
  }

  #isResident({ table, index }: BlockNeed): boolean {
    if (index === TAIL) return this.tail(table) !== undefined;
    return this.block(table, index) !== undefined;
  }

  async #read(range: Range): Promise<void> {
    const bytes = await this.#getRangeUnlessMoved(range);
    if (bytes === undefined) return this.load(range.needs);
    for (const { table, index, start, size } of range.needs) {
      const stored = bytes.subarray(start - range.start, start - range.start + size);
      // Another reader may have brought it in during the request.
      if (index === TAIL) {
        if (table.tail === undefined) {
          table.setTail(stored, this.#environment);
          this.cache.addTail(table);
        }
      } else if (table.blocks[index] === undefined) {
        table.setBlock(index, stored, this.#environment, this.cache.addBlock);
      }
    }
    // Blocks and tails have copies of what they keep.
    freeBytes(bytes);
  }

  /** Undefined when all of its tables have left the object, so that they are to be read elsewhere. */
  async #getRangeUnlessMoved({
    path,
    start,
    end,
    needs,
  }: PlaceOf): Promise<Uint8Array | undefined> {
    try {
      return await this.#getRange(path, start, end - start);
    } catch (error) {
      if (!isGone(error) || !needs.every(({ table }) => table.leave(path))) throw error;
      return undefined;
    }
  }

  async #getRange(path: string, offset: number, length: number): Promise<Uint8Array> {
    this.gets++;
    const bytes = await this.#blobStore.getRange(path, offset, length);
    if (bytes === undefined) {
      throw new StateEngineError(
        "missing",
        `Object ${path} is gone: restore from a checkpoint that is retained.`,
        { path },
      );
    }
    if (bytes.length !== length) {
      throw new StateEngineError(
        "corruption",
        `Object ${path} is too short. offset=${offset} expected=${length} found=${bytes.length}`,
      );
    }
    this.bytesRead += length;
    return plainBytes(bytes);
  }
}

function isGone(error: unknown): boolean {
  return error instanceof StateEngineError && error.kind === "missing";
}

function endOf({ offset, size }: BlockHandle): number {
  return offset + size;
}

function placed({ table, index }: BlockNeed): PlacedNeed {
  const { path, offset, indexOffset, size } = table.source;
  if (index === TAIL) {
    return { table, index, path, start: offset + indexOffset, size: size - indexOffset };
  }
  const handle = table.tail!.blocks[index]!;
  return { table, index, path, start: offset + handle.offset, size: handle.size };
}

function joinRanges(needs: readonly BlockNeed[], limitBytes: number): Range[] {
  const wanted = needs
    .map((need) => placed(need))
    .sort((left, right) =>
      left.path === right.path ? left.start - right.start : left.path < right.path ? -1 : 1,
    );
  const ranges: Range[] = [];
  for (const need of wanted) {
    const { path, start, size } = need;
    const last = ranges.at(-1);
    if (
      last?.path === path &&
      start - last.end < JOIN_GAP_BYTES &&
      start + size - last.start <= limitBytes
    ) {
      last.end = Math.max(last.end, start + size);
      last.needs.push(need);
    } else {
      ranges.push({ path, start, end: start + size, needs: [need] });
    }
  }
  return ranges;
}
