/**
 * One compaction under way: merges neighbouring runs into one, in slices, so that frames are applied
 * between them. Each table it finishes takes over what the inputs have below its end, so nothing of it
 * is lost with the rest. What no reader can see is left out: superseded and expired entries, key groups
 * outside the clip, and at the bottom deletions.
 */
import type { Environment } from "../environment.ts";
import { withoutFilter } from "../options.ts";
import type { EngineTuning, MergeOperator } from "../options.ts";
import { BLOCKED, END } from "../read/entry-cursor.ts";
import type { CursorBounds } from "../read/entry-cursor.ts";
import type { MergeCursor } from "../read/merge-cursor.ts";
import { collectTombstones, openMerge, tailsNeeded } from "../read/read-view.ts";
import type { ReadView } from "../read/read-view.ts";
import type { BlockLoader } from "../read/block-loader.ts";
import type { RangeTombstone } from "../memtable/range-tombstones.ts";
import { compareKeys, sharedPrefixLength } from "../bytes/compare.ts";
import { TableBuilder } from "../sst/table-builder.ts";
import type { BuiltTable } from "../sst/table-builder.ts";
import { keyGroupStart } from "../state/state-key.ts";
import type { KeyGroupRange } from "../version/table-reference.ts";
import { BOTTOM_LEVEL } from "../version/version.ts";
import type { Run } from "../version/version.ts";

export interface CompactionOptions {
  readonly environment: Environment;
  readonly tuning: EngineTuning;
  readonly loader: BlockLoader;
  readonly mergeOperators: ReadonlyMap<number, MergeOperator>;
  readonly keyGroups: KeyGroupRange;
  readonly time: number;
  /** The runs to merge, newest first, what an earlier one has left of them; and where the result goes. */
  readonly inputs: readonly Run[];
  readonly level: number;
  /** Asked when a table is begun: whether it is compressed when it is stored, and not while it is built. */
  readonly defersCompression: () => boolean;
  /**
   * Takes each table as it is finished, none when nothing was left for the last. `until`: everything the inputs
   * have below is in the tables given by then; undefined when that takes a key too long to be kept.
   */
  readonly finished: (table: BuiltTable | undefined, until: Uint8Array | undefined) => void;
}

export class Compaction {
  readonly #options: CompactionOptions;
  readonly #view: ReadView;
  readonly #bounds: CursorBounds;
  readonly #smallestSequence: number;
  readonly #largestSequence: number;
  readonly #inputBytes: number;
  readonly #inputEntries: number;
  #entries = 0;
  #merge: MergeCursor | undefined;
  #builder: TableBuilder;
  #ranges: readonly RangeTombstone[] = [];
  #isClosed = false;
  /** Where the output under way begins, for cutting deleted ranges. */
  #outputStart: Uint8Array;

  constructor(options: CompactionOptions) {
    this.#options = options;
    this.#view = { memtables: [], version: { runs: options.inputs }, time: options.time };
    const { first, last } = options.keyGroups;
    this.#outputStart = keyGroupStart(first);
    this.#bounds = {
      lower: this.#outputStart,
      upper: keyGroupStart(last + 1),
      reverse: false,
    };
    const tables = options.inputs.flatMap(({ tables }) => tables);
    this.#smallestSequence = tables.reduce(
      (least, { description }) => Math.min(least, description.smallestSequence),
      Infinity,
    );
    this.#largestSequence = tables.reduce(
      (most, { description }) => Math.max(most, description.largestSequence),
      0,
    );
    this.#inputBytes = tables.reduce((sum, { size }) => sum + size, 0);
    this.#inputEntries = tables.reduce((sum, { description }) => sum + description.entries, 0);
    this.#builder = this.#nextBuilder();
  }

  /** Bytes of the output under way, with as much again to grow into, and of what was read ahead. */
  get usedBytes(): number {
    return this.#builder.size * 2 + (this.#merge?.aheadBytes ?? 0);
  }

  /** Bytes of input still to be read, about: what was left out counts as if it were still to come. */
  get bytesLeft(): number {
    return this.#inputBytes * (1 - this.#entries / Math.max(1, this.#inputEntries));
  }

  /** Gives back what it reads with, and an output that was begun. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#merge?.close();
    this.#builder.discard();
  }

  /** Works through about `maintainBytes` of input; true when everything is done. */
  async step(): Promise<boolean> {
    const merge = await this.#open();
    let budget = this.#options.tuning.maintainBytes;
    while (budget > 0) {
      if (merge.state === END) {
        this.#finishTable(this.#bounds.upper, true);
        this.close();
        return true;
      }
      if (merge.state === BLOCKED) {
        try {
          const { loader, inputs } = this.#options;
          await loader.loadPasses([...merge.needs, ...merge.soon], inputs.length);
        } finally {
          // Also when some of it failed: what did come is kept, or trying again might never come to an end.
          merge.resume();
        }
        continue;
      }
      if (this.#builder.size >= this.#options.tuning.tableBytes) {
        const next = merge.key.slice(merge.keyOffset, merge.keyOffset + merge.keyLength);
        const separator = shortestAbove(this.#builder.lastKey, next);
        const isShort = separator.length <= this.#options.tuning.boundBytes;
        this.#finishTable(separator, isShort);
      }
      this.#builder.add(
        merge.key,
        merge.keyOffset,
        merge.keyLength,
        merge.hash,
        merge.kind,
        merge.value,
        merge.valueOffset,
        merge.valueLength,
        merge.expiresAt,
        merge.valueView,
      );
      this.#entries++;
      budget -= merge.keyLength + merge.valueLength + 8;
      merge.advance();
    }
    return false;
  }

  async #open(): Promise<MergeCursor> {
    if (this.#merge !== undefined) return this.#merge;
    const { loader, mergeOperators, inputs, level } = this.#options;
    for (;;) {
      const needs = tailsNeeded(inputs, this.#bounds, loader);
      if (needs.length === 0) break;
      await loader.load(needs);
    }
    const keepsTombstones = level !== BOTTOM_LEVEL;
    const options = { mergeOperators, keepsTombstones, isRewrite: true, isPass: true };
    this.#merge = openMerge(this.#view, this.#bounds, loader, options);
    if (keepsTombstones) {
      this.#ranges = collectTombstones(this.#view, this.#bounds).ranges;
    }
    return this.#merge;
  }

  /** Ends the output at `end` (excluded), with the part of the deleted ranges that lies before it. */
  #finishTable(end: Uint8Array, takesOver: boolean): void {
    for (const range of this.#ranges) {
      const from =
        compareKeys(range.start, this.#outputStart) > 0 ? range.start : this.#outputStart;
      const to = compareKeys(range.end, end) < 0 ? range.end : end;
      if (compareKeys(from, to) < 0) this.#builder.addDeletedRange(from, to);
    }
    this.#outputStart = end;
    const { finished } = this.#options;
    const until = takesOver ? end : undefined;
    if (this.#builder.isEmpty) return finished(undefined, until);
    const table = this.#builder.finish(this.#smallestSequence, this.#largestSequence);
    this.#builder = this.#nextBuilder();
    finished(table, until);
  }

  #nextBuilder(): TableBuilder {
    const { environment, tuning } = this.#options;
    // The last block, index and filter come on top of the size at which a table is cut.
    const largest = tuning.tableBytes + (tuning.tableBytes >> 5);
    const isBottom = this.#options.level === BOTTOM_LEVEL;
    return new TableBuilder(
      environment,
      isBottom ? withoutFilter(tuning) : tuning,
      Math.min(this.#inputBytes, largest),
      this.#options.defersCompression(),
    );
  }
}

/** The shortest beginning of `next` that is above `last`, the key before it. */
function shortestAbove(last: Uint8Array, next: Uint8Array): Uint8Array {
  const shared = sharedPrefixLength(last, 0, last.length, next, 0, next.length);
  return next.slice(0, shared + 1);
}
