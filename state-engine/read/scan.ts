/**
 * Collects one page of a scan, waiting for what is not in memory or not. Keys and values of a page share one buffer, which the page owns.
 */
import { compareKeys } from "../bytes/compare.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { ScanEntry, ScanOptions, ScanPage } from "../engine-types.ts";
import type { MergeOperator } from "../options.ts";
import { successor } from "../sst/table.ts";
import { keyGroupStart } from "../state/state-key.ts";
import type { KeyGroupRange } from "../version/table-reference.ts";
import type { BlockLoader } from "./block-loader.ts";
import { BLOCKED, END } from "./entry-cursor.ts";
import type { CursorBounds } from "./entry-cursor.ts";
import { openMerge, tailsNeeded } from "./read-view.ts";
import type { MergeOptions, ReadView } from "./read-view.ts";
import type { MergeCursor } from "./merge-cursor.ts";

const DEFAULT_LIMIT = 1000;
const DEFAULT_LIMIT_BYTES = 1024 * 1024;
const READ_AHEAD_BYTES = 128 * 1024;
const LARGEST_START_BYTES = 128 * 1024;
/** The last entry may pass the limit. */
const LAST_ENTRY_BYTES = 4 * 1024;

export interface ScanSource {
  readonly loader: BlockLoader;
  readonly keyGroups: KeyGroupRange;
  readonly mergeOperators: ReadonlyMap<number, MergeOperator>;
  /** What is read. */
  view(): ReadView;
  /** Called before the first wait: from here on the view must not change. */
  hold(): void;
}

export async function scanPage(source: ScanSource, options: ScanOptions): Promise<ScanPage> {
  const { loader } = source;
  const bounds = scanBounds(options, source.keyGroups);
  if (compareKeys(bounds.lower, bounds.upper) >= 0) return { entries: [] };
  for (;;) {
    const needs = tailsNeeded(source.view().version.runs, bounds, loader);
    if (needs.length === 0) break;
    await loader.load(needs);
  }
  const merging: MergeOptions = { mergeOperators: source.mergeOperators, keepsTombstones: false };
  const merge = openMerge(source.view(), bounds, loader, merging);
  const collected = new PageCollector(options);
  let isHeld = false;
  try {
    while (!collected.fill(merge)) {
      if (!isHeld) source.hold();
      isHeld = true;
      const wantedBytes = Math.min(READ_AHEAD_BYTES, collected.roomBytes);
      await loader.loadAhead(merge.needs, source.view().version, wantedBytes, bounds.reverse);
      merge.resume();
    }
    return collected.page(merge, bounds.reverse);
  } finally {
    merge.close();
  }
}

/** scanPage() without waiting; undefined when something it needs is not in memory. */
export function residentPage(
  { loader, keyGroups, mergeOperators, view }: Omit<ScanSource, "hold">,
  options: ScanOptions,
): ScanPage | undefined {
  const bounds = scanBounds(options, keyGroups);
  if (compareKeys(bounds.lower, bounds.upper) >= 0) return { entries: [] };
  if (tailsNeeded(view().version.runs, bounds, loader).length > 0) return undefined;
  const merge = openMerge(view(), bounds, loader, { mergeOperators, keepsTombstones: false });
  try {
    if (merge.state === BLOCKED) return undefined;
    const collected = new PageCollector(options);
    return collected.fill(merge) ? collected.page(merge, bounds.reverse) : undefined;
  } finally {
    merge.close();
  }
}

function scanBounds(options: ScanOptions, keyGroups: KeyGroupRange): CursorBounds {
  let lower = keyGroupStart(keyGroups.first);
  let upper = keyGroupStart(keyGroups.last + 1);
  if (options.start && compareKeys(options.start, lower) > 0) lower = options.start;
  if (options.end && compareKeys(options.end, upper) < 0) upper = options.end;
  return { lower, upper, reverse: options.reverse ?? false };
}

class PageCollector {
  readonly #limit: number;
  readonly #limitBytes: number;
  readonly #writer: ByteWriter;
  /** Key end and value end of each entry. */
  readonly #ends: number[] = [];

  constructor(options: ScanOptions) {
    this.#limit = Math.max(1, options.limit ?? DEFAULT_LIMIT);
    this.#limitBytes = options.limitBytes ?? DEFAULT_LIMIT_BYTES;
    this.#writer = new ByteWriter(
      Math.min(this.#limit * 128, this.#limitBytes, LARGEST_START_BYTES) + LAST_ENTRY_BYTES,
      true,
    );
  }

  /** Bytes until the page is full. */
  get roomBytes(): number {
    return this.#limitBytes - this.#writer.length;
  }

  /** Takes entries until the page or the scan is at its end (true) or a block is missing (false). */
  fill(merge: MergeCursor): boolean {
    const writer = this.#writer;
    const ends = this.#ends;
    while (merge.state !== END) {
      if (merge.state === BLOCKED) return false;
      if (ends.length >= this.#limit * 2 || writer.length >= this.#limitBytes) return true;
      writer.raw(merge.key, merge.keyOffset, merge.keyLength);
      ends.push(writer.length);
      const { value, valueView, valueOffset, valueLength } = merge;
      if (valueView === undefined) writer.raw(value, valueOffset, valueLength);
      else writer.rawThroughView(value, valueView, valueOffset, valueLength);
      ends.push(writer.length);
      merge.advance();
    }
    return true;
  }

  page(merge: MergeCursor, reverse: boolean): ScanPage {
    // The writer made its bytes: they are all of their buffer. Views by constructor take half as long as subarray().
    const { buffer } = this.#writer.bytes;
    const entries: ScanEntry[] = [];
    let at = 0;
    for (let index = 0; index < this.#ends.length; index += 2) {
      const keyEnd = this.#ends[index]!;
      const valueEnd = this.#ends[index + 1]!;
      const key = new Uint8Array(buffer, at, keyEnd - at);
      entries.push({ key, value: new Uint8Array(buffer, keyEnd, valueEnd - keyEnd) });
      at = valueEnd;
    }
    const last = entries.at(-1);
    if (merge.state === END || last === undefined) return { entries };
    if (reverse) return { entries, next: { end: last.key.slice() } };
    return { entries, next: { start: successor(last.key) } };
  }
}
