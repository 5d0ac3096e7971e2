/**
 * Cursor over one memtable. Entries deleted by a newer range of the same memtable are left out; the
 * ranges themselves are the merge cursor's business. The memtable must not change meanwhile.
 */
import { compareBytes, keyPrefix } from "../bytes/compare.ts";
import { viewOf } from "../bytes/copy.ts";
import { END, ENTRY } from "../read/entry-cursor.ts";
import type { CursorBounds, EntryCursor } from "../read/entry-cursor.ts";
import { keyHead } from "../sst/decoded-block.ts";
import type { Memtable } from "./memtable.ts";
import { sortEntries } from "./sort-entries.ts";

export class MemtableCursor implements EntryCursor {
  state: EntryCursor["state"] = END;
  need = undefined;
  readonly soon = undefined;
  readonly aheadBytes = 0;
  readonly rank: number;
  hash = 0;
  head = 0;
  prefix = 0;
  key: Uint8Array;
  keyOffset = 0;
  keyLength = 0;
  kind = 0;
  value: Uint8Array;
  valueView: DataView | undefined;
  valueOffset = 0;
  valueLength = 0;
  expiresAt = Infinity;
  readonly #memtable: Memtable;
  readonly #order: Uint32Array;
  readonly #step: number;
  readonly #view: DataView;
  readonly #integer = new Uint8Array(8);
  #position: number;
  readonly #stop: number;

  constructor(memtable: Memtable, bounds: CursorBounds, rank: number) {
    this.rank = rank;
    this.#memtable = memtable;
    this.key = memtable.arena;
    this.value = memtable.arena;
    this.#view = viewOf(memtable.arena);
    this.#order = memtable.sorted(sortEntries);
    const from = this.#lowerBound(bounds.lower);
    const to = this.#lowerBound(bounds.upper);
    this.#step = bounds.reverse ? -1 : 1;
    this.#position = bounds.reverse ? to : from - 1;
    this.#stop = bounds.reverse ? from - 1 : to;
    this.advance();
  }

  advance(): void {
    const memtable = this.#memtable;
    const isWhole = memtable.tombstones.isEmpty;
    for (;;) {
      this.#position += this.#step;
      // Empty bounds put the stop behind the start, hence not only equality.
      if (this.#step > 0 ? this.#position >= this.#stop : this.#position <= this.#stop) {
        this.state = END;
        return;
      }
      const entry = this.#order[this.#position]!;
      if (!isWhole && memtable.isCovered(entry)) continue;
      this.hash = memtable.hash(entry);
      this.keyOffset = memtable.keyOffset(entry);
      this.keyLength = memtable.keyLength(entry);
      this.head = keyHead(this.key, this.keyOffset);
      this.prefix = keyPrefix(this.key, this.keyOffset + 4, this.keyLength - 4);
      this.kind = memtable.kind(entry);
      this.expiresAt = memtable.expiresAt(entry);
      const length = memtable.writeInlineValue(entry, this.#integer, 0);
      if (length >= 0) {
        this.value = this.#integer;
        this.valueView = undefined;
        this.valueOffset = 0;
        this.valueLength = length;
      } else {
        this.value = this.key;
        this.valueView = this.#view;
        this.valueOffset = memtable.valueOffset(entry);
        this.valueLength = memtable.valueLength(entry);
      }
      this.state = ENTRY;
      return;
    }
  }

  resume(): void {}

  close(): void {}

  #lowerBound(key: Uint8Array): number {
    const memtable = this.#memtable;
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const entry = this.#order[middle]!;
      const order = compareBytes(
        memtable.arena,
        memtable.keyOffset(entry),
        memtable.keyLength(entry),
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
