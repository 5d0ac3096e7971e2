/**
 * What a pass over a run has read ahead: stored bytes of blocks that follow each other, in two pieces at
 * most, of which one is used while the other is fetched. It belongs to one cursor: nobody else finds it and
 * the cache does not evict it, so that everything is read once, and it counts where the pass is counted.
 */
import { freeBytes } from "../bytes/free.ts";
import type { BlockHandle } from "../sst/format.ts";
import type { Table } from "../sst/table.ts";

const MOST_PIECES = 2;

interface Piece {
  readonly table: Table;
  /** The first block in it, and one past the last. */
  readonly first: number;
  readonly end: number;
  /** Where the table's blocks stand, as of the request. */
  readonly handles: readonly BlockHandle[];
  readonly bytes: Uint8Array;
}

export class PassWindow {
  #pieces: Piece[] = [];
  #isClosed = false;

  get usedBytes(): number {
    return this.#pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** The stored bytes of a block, if they are here: a view, good until the next one is asked for. What lies before goes. */
  stored(table: Table, index: number): Uint8Array | undefined {
    const at = this.#pieces.findIndex((piece) => covers(piece, table, index));
    if (at < 0) return undefined;
    for (const { bytes } of this.#pieces.splice(0, at)) freeBytes(bytes);
    const { handles, first, bytes } = this.#pieces[0]!;
    const { offset, size } = handles[index]!;
    const begin = offset - handles[first]!.offset;
    return bytes.subarray(begin, begin + size);
  }

  /** The first block of the table from `index` on that is worth a request now; undefined when enough is here. */
  wanted(table: Table, index: number): number | undefined {
    let next = index;
    let pieces = 0;
    for (const piece of this.#pieces) {
      if (!covers(piece, table, next)) continue;
      next = piece.end;
      pieces++;
    }
    return pieces < MOST_PIECES ? next : undefined;
  }

  /** Keeps blocks [first, end), whose stored bytes these are, unless they came too late or twice. */
  add(
    table: Table,
    first: number,
    end: number,
    handles: readonly BlockHandle[],
    bytes: Uint8Array,
  ): void {
    if (this.#isClosed || this.#pieces.some((piece) => covers(piece, table, first))) {
      freeBytes(bytes);
    } else {
      this.#pieces.push({ table, first, end, handles, bytes });
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { bytes } of this.#pieces.splice(0)) freeBytes(bytes);
  }
}

function covers(piece: Piece, table: Table, index: number): boolean {
  return piece.table === table && piece.first <= index && index < piece.end;
}
