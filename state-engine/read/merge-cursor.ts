/**
 * Merges sources into what a reader or a compaction sees: one entry a key, newest first, with merge
 * operands folded, deleted ranges and expired entries applied. A binary heap over cached key prefixes.
 *
 * Visible entries only, unless `keepsTombstones`: a compaction whose output has older runs below it
 * keeps deletions and unfinished operands, because they still matter there.
 */
import { compareBytes } from "../bytes/compare.ts";
import type { RangeTombstones } from "../memtable/range-tombstones.ts";
import { KIND_DELETE, KIND_MERGE, KIND_PUT } from "../memtable/entry-kind.ts";
import type { MergeOperator } from "../options.ts";
import { stateIdOf } from "../state/state-key.ts";
import type { CursorNeed } from "./block-loader.ts";
import { BLOCKED, END, ENTRY } from "./entry-cursor.ts";
import type { EntryCursor } from "./entry-cursor.ts";
import { operatorOf, prunedValue } from "./merge-operands.ts";

export interface MergeSettings {
  readonly mergeOperators: ReadonlyMap<number, MergeOperator>;
  readonly reverse: boolean;
  /** Entries that expire by this time do not exist. */
  readonly time: number;
  readonly keepsTombstones: boolean;
  /** What is shown is written anew: without the parts of values that have expired. */
  readonly prunes: boolean;
  /** Deleted ranges of all sources; the sequence is the number of sources less the rank. */
  readonly tombstones: RangeTombstones;
  readonly sources: number;
}

export class MergeCursor {
  state: typeof END | typeof ENTRY | typeof BLOCKED = END;
  /** Valid until advance(), as are the fields of any cursor. */
  key: Uint8Array = new Uint8Array(256);
  keyOffset = 0;
  keyLength = 0;
  /** hash32 of the key after its header, negative when no source knows it. */
  hash = -1;
  kind = KIND_PUT as number;
  value: Uint8Array = new Uint8Array(0);
  valueView: DataView | undefined;
  valueOffset = 0;
  valueLength = 0;
  expiresAt = Infinity;
  readonly #settings: MergeSettings;
  readonly #cursors: readonly EntryCursor[];
  readonly #heap: EntryCursor[] = [];
  #blocked: EntryCursor[] = [];
  /** The cursor whose value is shown; it moves on with the next advance(). */
  #shown: EntryCursor | undefined;
  /** Whether the shown cursor is still on top of the heap. */
  #isOnTop = false;
  /** A key whose cursor has moved on. */
  #ownKey: Uint8Array = new Uint8Array(256);
  readonly #operands: Uint8Array[] = [];
  #head = 0;
  #prefix = 0;

  constructor(cursors: readonly EntryCursor[], settings: MergeSettings) {
    this.#cursors = cursors;
    this.#settings = settings;
    for (const cursor of cursors) this.#take(cursor);
    this.#next();
  }

  get needs(): CursorNeed[] {
    return this.#blocked.map(({ need }) => need!);
  }

  /** What a pass will need soon. */
  get soon(): CursorNeed[] {
    return this.#cursors.flatMap(({ soon }) => soon ?? []);
  }

  /** Bytes read ahead that wait for this pass alone. */
  get aheadBytes(): number {
    return this.#cursors.reduce((sum, { aheadBytes }) => sum + aheadBytes, 0);
  }

  advance(): void {
    const shown = this.#shown;
    if (shown !== undefined) {
      this.#shown = undefined;
      shown.advance();
      if (this.#isOnTop) this.#topMoved(shown);
      else this.#take(shown);
    }
    this.#next();
  }

  /** Goes on after the needs were loaded. */
  resume(): void {
    const blocked = this.#blocked;
    this.#blocked = [];
    for (const cursor of blocked) {
      cursor.resume();
      this.#take(cursor);
    }
    this.#next();
  }

  /** Gives back what the cursors hold. Nothing may be read from it any more. */
  close(): void {
    for (const cursor of this.#cursors) cursor.close();
  }

  #next(): void {
    for (;;) {
      if (this.#blocked.length > 0) {
        this.state = BLOCKED;
        return;
      }
      const top = this.#heap[0];
      if (top === undefined) {
        this.state = END;
        return;
      }
      this.#showKey(top);
      if (this.#isPlain(top)) {
        this.#show(top);
        if (this.#settings.prunes) this.#prune();
        this.#isOnTop = true;
        this.state = ENTRY;
        return;
      }
      this.#isOnTop = false;
      if (this.#resolve()) {
        if (this.#settings.prunes) this.#prune();
        this.state = ENTRY;
        return;
      }
    }
  }

  /** The usual case: a value that no other source and no deleted range has to do with. */
  #isPlain(top: EntryCursor): boolean {
    const { time, tombstones } = this.#settings;
    if (top.kind !== KIND_PUT || top.expiresAt <= time || !tombstones.isEmpty) return false;
    // In a heap, whatever equals the top has an ancestor below the top that does.
    const heap = this.#heap;
    const left = heap[1];
    if (left !== undefined && this.#isSameKey(left)) return false;
    const right = heap[2];
    return right === undefined || !this.#isSameKey(right);
  }

  /** Takes every entry of the smallest key off the heap; false when nothing of it is to be shown. */
  #resolve(): boolean {
    this.#keepKey();
    const operands = this.#operands;
    operands.length = 0;
    let base: EntryCursor | undefined;
    let isHidden = false;
    let isDeletedByEntry = false;
    let expiresAt = 0;
    while (this.#heap.length > 0 && this.#isSameKey(this.#heap[0]!)) {
      const cursor = this.#heap[0]!;
      if (base === undefined && !isHidden) {
        if (this.#isCovered(cursor.rank)) {
          isHidden = true;
        } else if (cursor.kind === KIND_MERGE) {
          // One that has expired adds nothing, and hides nothing.
          if (cursor.expiresAt > this.#settings.time) {
            expiresAt = Math.max(expiresAt, cursor.expiresAt);
            operands.push(
              cursor.value.slice(cursor.valueOffset, cursor.valueOffset + cursor.valueLength),
            );
          }
        } else if (cursor.kind === KIND_DELETE || cursor.expiresAt <= this.#settings.time) {
          isHidden = true;
          isDeletedByEntry = true;
        } else {
          base = cursor;
          expiresAt = Math.max(expiresAt, cursor.expiresAt);
          this.#pop();
          continue;
        }
      }
      cursor.advance();
      this.#topMoved(cursor);
    }
    if (operands.length > 0) return this.#showOperands(base, isHidden, expiresAt);
    if (base !== undefined) {
      this.#show(base);
      return true;
    }
    if (!isDeletedByEntry || !this.#settings.keepsTombstones) return false;
    this.kind = KIND_DELETE;
    this.valueLength = 0;
    this.expiresAt = Infinity;
    return true;
  }

  #show(cursor: EntryCursor): void {
    this.#shown = cursor;
    this.kind = cursor.kind;
    this.value = cursor.value;
    this.valueView = cursor.valueView;
    this.valueOffset = cursor.valueOffset;
    this.valueLength = cursor.valueLength;
    this.expiresAt = cursor.expiresAt;
  }

  #showOperands(base: EntryCursor | undefined, isHidden: boolean, expiresAt: number): boolean {
    const operator = operatorOf(this.#settings.mergeOperators, stateIdOf(this.key, this.keyOffset));
    let value = this.#operands[0]!;
    for (let index = 1; index < this.#operands.length; index++) {
      value = operator.combine(this.#operands[index]!, value);
    }
    this.kind = KIND_MERGE;
    if (base !== undefined || isHidden || !this.#settings.keepsTombstones) {
      const below = base?.value.subarray(base.valueOffset, base.valueOffset + base.valueLength);
      value = operator.apply(below, value);
      this.kind = KIND_PUT;
    }
    this.#shown = base;
    this.#showValue(value);
    this.expiresAt = expiresAt;
    return true;
  }

  /** Leaves out the parts of the value shown that have expired. */
  #prune(): void {
    if (this.kind === KIND_DELETE) return;
    const { mergeOperators, time } = this.#settings;
    const { valueOffset, valueLength } = this;
    const value = this.value.subarray(valueOffset, valueOffset + valueLength);
    const left = prunedValue(mergeOperators, stateIdOf(this.key, this.keyOffset), value, time);
    if (left !== value) this.#showValue(left);
  }

  #showValue(value: Uint8Array): void {
    this.value = value;
    this.valueView = undefined;
    this.valueOffset = 0;
    this.valueLength = value.length;
  }

  #isCovered(rank: number): boolean {
    const { tombstones, sources } = this.#settings;
    if (tombstones.isEmpty) return false;
    return tombstones.covering(this.key, this.keyOffset, this.keyLength) > sources - rank;
  }

  #showKey(cursor: EntryCursor): void {
    this.key = cursor.key;
    this.keyOffset = cursor.keyOffset;
    this.keyLength = cursor.keyLength;
    this.hash = cursor.hash;
    this.#head = cursor.head;
    this.#prefix = cursor.prefix;
  }

  /** The cursors are about to move: the key shown becomes a copy. */
  #keepKey(): void {
    const { key, keyOffset, keyLength } = this;
    if (keyLength > this.#ownKey.length) this.#ownKey = new Uint8Array(keyLength * 2);
    const own = this.#ownKey;
    for (let index = 0; index < keyLength; index++) own[index] = key[keyOffset + index]!;
    this.key = own;
    this.keyOffset = 0;
  }

  #isSameKey(cursor: EntryCursor): boolean {
    if (cursor.head !== this.#head || cursor.prefix !== this.#prefix) return false;
    if (cursor.keyLength !== this.keyLength) return false;
    const { key, keyOffset, keyLength } = this;
    return compareBytes(cursor.key, cursor.keyOffset, keyLength, key, keyOffset, keyLength) === 0;
  }

  #take(cursor: EntryCursor): void {
    if (cursor.state === BLOCKED) this.#blocked.push(cursor);
    else if (cursor.state === ENTRY) this.#push(cursor);
  }

  #isBefore(left: EntryCursor, right: EntryCursor): boolean {
    let order = left.head - right.head;
    if (order === 0) order = left.prefix - right.prefix;
    if (order === 0) order = compareCursorKeys(left, right);
    if (order === 0) return left.rank < right.rank;
    return this.#settings.reverse ? order > 0 : order < 0;
  }

  #push(cursor: EntryCursor): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(cursor);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(cursor, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = cursor;
  }

  #pop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) this.#sink(last);
  }

  /** The cursor on top of the heap has advanced. */
  #topMoved(top: EntryCursor): void {
    if (top.state === ENTRY) {
      this.#sink(top);
      return;
    }
    this.#pop();
    if (top.state === BLOCKED) this.#blocked.push(top);
  }

  /** Puts the cursor in the place of the top, then where it belongs. */
  #sink(cursor: EntryCursor): void {
    const heap = this.#heap;
    const size = heap.length;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#isBefore(heap[child]!, cursor)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = cursor;
  }
}

function compareCursorKeys(left: EntryCursor, right: EntryCursor): number {
  return compareBytes(
    left.key,
    left.keyOffset,
    left.keyLength,
    right.key,
    right.keyOffset,
    right.keyLength,
  );
}
