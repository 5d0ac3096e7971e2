/**
 * The mutable part of the state: an arena of key and value bytes, a record of four 32-bit words for each
 * entry (entry-record.ts), its hash and sequence beside them, and a hash index over all (key-index.ts). One
 * entry a key: a later write replaces the earlier one, an operand is folded into it. Sorted only when
 * flushed or scanned (sort-entries.ts).
 * Frozen, it never changes again; that is what snapshots and checkpoints hold.
 */
import { doubledWords, freeBytes } from "../bytes/free.ts";
import { addToWords, int64High, int64Low, writeInt64Words } from "../bytes/int64.ts";
import { assert } from "../assert.ts";
import { stateIdOf } from "../state/state-key.ts";
import type { MergeOperator } from "../options.ts";
import { operatorOf } from "../read/merge-operands.ts";
import { Arena, growthOf, roomFor } from "./arena.ts";
import { KIND_DELETE, KIND_MERGE, KIND_PUT } from "./entry-kind.ts";
import type { EntryKind } from "./entry-kind.ts";
import { ExpiryColumn } from "./expiry-column.ts";
import { HAS_ROOM, INLINE_INT64, KEY_LENGTH_LIMIT, KEY_LENGTH_SHIFT } from "./entry-record.ts";
import { KEY_OFFSET, KIND, KIND_MASK, VALUE, VALUE_LENGTH, WORDS } from "./entry-record.ts";
import { RECORD_BYTES } from "./entry-record.ts";
import { KeyIndex } from "./key-index.ts";
import { RangeTombstones } from "./range-tombstones.ts";

export class Memtable {
  readonly tombstones = new RangeTombstones();
  /** Sequence of the write before the first one in here. */
  readonly baseSequence: number;
  readonly #mergeOperators: ReadonlyMap<number, MergeOperator>;
  readonly #arena = new Arena();
  #records = new Uint32Array(256 * WORDS);
  #hashes = new Uint32Array(256);
  #sequences = new Uint32Array(256);
  #count = 0;
  readonly #index = new KeyIndex();
  readonly #expiries = new ExpiryColumn();
  #writes = 0;
  #sorted: Uint32Array = new Uint32Array(0);
  #isFrozen = false;
  /** Entries expired by this time count as absent when an operand meets them; operands hide nothing then. */
  time = 0;

  constructor(baseSequence: number, mergeOperators: ReadonlyMap<number, MergeOperator>) {
    this.baseSequence = baseSequence;
    this.#mergeOperators = mergeOperators;
  }

  /** From now on it never changes. */
  freeze(): void {
    this.#isFrozen = true;
    this.#arena.forgetSource();
  }

  /** Gives its memory back: it was flushed, and nobody reads it any more. */
  free(): void {
    this.#arena.free();
    freeBytes(this.#records);
    freeBytes(this.#hashes);
    freeBytes(this.#sequences);
    this.#index.free();
    freeBytes(this.#sorted);
    this.#expiries.free();
  }

  get count(): number {
    return this.#count;
  }

  /** Writes so far, each overwrite and deleted range counted. */
  get writes(): number {
    return this.#writes;
  }

  get isEmpty(): boolean {
    return this.#count === 0 && this.tombstones.isEmpty;
  }

  /** Sequence of the last write in here. */
  get lastSequence(): number {
    return this.baseSequence + this.#writes;
  }

  /** Bytes held, capacity and not only what is filled. */
  get usedBytes(): number {
    return (
      this.#arena.bytes.length +
      this.#records.length * 4 +
      this.#hashes.length * 8 +
      this.#index.usedBytes +
      this.#expiries.usedBytes +
      this.tombstones.usedBytes
    );
  }

  /**
   * By how much usedBytes may grow while filledBytes grows by `bytes`: whatever of them is keys and values, and
   * whatever is entries. Arrays are replaced by larger ones; what fits in those there are takes nothing.
   */
  growthFor(bytes: number): number {
    const entries = growthOf(this.#hashes.length, this.#count + Math.ceil(bytes / RECORD_BYTES));
    const entryBytes = RECORD_BYTES + (this.#expiries.isEmpty ? 0 : 8);
    return this.#arena.growthFor(bytes) + entries * entryBytes;
  }

  /** Bytes filled: what decides when it is full. */
  get filledBytes(): number {
    return this.#arena.usedBytes + this.#count * RECORD_BYTES + this.tombstones.usedBytes;
  }

  put(
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    hash: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
    expiresAt: number,
  ): void {
    const entry = this.#upsert(key, keyOffset, keyLength, hash);
    this.#setValue(entry, KIND_PUT, value, valueOffset, valueLength);
    this.#setExpiry(entry, expiresAt);
  }

  delete(key: Uint8Array, keyOffset: number, keyLength: number, hash: number): void {
    const entry = this.#upsert(key, keyOffset, keyLength, hash);
    const at = entry * WORDS;
    this.#setKind(entry, KIND_DELETE);
    this.#records[at + VALUE] = 0;
    this.#records[at + VALUE_LENGTH] = 0;
    this.#setExpiry(entry, Infinity);
  }

  merge(
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    hash: number,
    operand: Uint8Array,
    expiresAt: number,
  ): void {
    const operator = operatorOf(this.#mergeOperators, stateIdOf(key, keyOffset));
    const entry = this.find(key, keyOffset, keyLength, hash);
    const older = entry < 0 ? undefined : this.#present(entry);
    const olderExpiry = older === undefined ? 0 : this.expiresAt(entry);
    const hidesOlder = this.#hidesOlder(entry, key, keyOffset, keyLength);
    const written = this.#upsert(key, keyOffset, keyLength, hash);
    const kind = hidesOlder ? KIND_PUT : KIND_MERGE;
    if (operator.concatenates === true && older !== undefined) {
      this.#appendToValue(written, kind, operand, operator);
    } else {
      let value = operand;
      if (kind === KIND_PUT) value = operator.apply(older, operand);
      else if (older !== undefined) value = operator.combine(older, operand);
      if (older !== undefined) value = operator.prune?.(value, this.time) ?? value;
      this.#setValue(written, kind, value, 0, value.length);
    }
    this.#setExpiry(written, Math.max(expiresAt, olderExpiry));
  }

  /** merge() with int64 addition, all in one place: find or make the entry, add in the record. */
  mergeInt64(
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    hash: number,
    delta: number,
  ): void {
    const entry = this.find(key, keyOffset, keyLength, hash);
    if (
      entry >= 0 &&
      this.tombstones.isEmpty &&
      this.#expiries.isEmpty &&
      (this.#records[entry * WORDS + KIND]! & INLINE_INT64) !== 0
    ) {
      this.#sequences[entry] = ++this.#writes;
      addToWords(this.#records, entry * WORDS + VALUE, delta);
      return;
    }
    this.#mergeInt64Slowly(entry, key, keyOffset, keyLength, hash, delta);
  }

  deleteRange(start: Uint8Array, end: Uint8Array): void {
    assert(!this.#isFrozen, "a frozen memtable is not written");
    this.tombstones.add(start, end, ++this.#writes);
  }

  /** The key's entry, deleted and overwritten ones included; -1 when there is none. */
  find(key: Uint8Array, keyOffset: number, keyLength: number, hash: number): number {
    return this.#index.find(this.#records, this.#arena.bytes, key, keyOffset, keyLength, hash);
  }

  kind(entry: number): EntryKind {
    return (this.#records[entry * WORDS + KIND]! & KIND_MASK) as EntryKind;
  }

  /** Whether a deleted range in here is newer than the entry: then it does not count. */
  isCovered(entry: number): boolean {
    if (this.tombstones.isEmpty) return false;
    const covered = this.tombstones.covering(
      this.#arena.bytes,
      this.keyOffset(entry),
      this.keyLength(entry),
    );
    return covered > this.#sequences[entry]!;
  }

  hash(entry: number): number {
    return this.#hashes[entry]!;
  }

  /** Holds all keys; see keyOffset and keyLength. Replaced when it grows. */
  get arena(): Uint8Array {
    return this.#arena.bytes;
  }

  keyOffset(entry: number): number {
    return this.#records[entry * WORDS + KEY_OFFSET]!;
  }

  keyLength(entry: number): number {
    return this.#records[entry * WORDS + KIND]! >>> KEY_LENGTH_SHIFT;
  }

  expiresAt(entry: number): number {
    return this.#expiries.of(entry);
  }

  /** Writes the value's bytes into `target` at `offset` when it is an inline integer: answers its length, -1 otherwise. */
  writeInlineValue(entry: number, target: Uint8Array, offset: number): number {
    const at = entry * WORDS;
    if ((this.#records[at + KIND]! & INLINE_INT64) === 0) return -1;
    return writeInt64Words(
      target,
      offset,
      this.#records[at + VALUE_LENGTH]! | 0,
      this.#records[at + VALUE]!,
    );
  }

  /** Where the value stands in the arena, for a value that is not an inline integer. */
  valueOffset(entry: number): number {
    return this.#records[entry * WORDS + VALUE]!;
  }

  valueLength(entry: number): number {
    return this.#records[entry * WORDS + VALUE_LENGTH]!;
  }

  /** The value or operand: a view of the arena, or a fresh array for an integer. */
  value(entry: number): Uint8Array {
    if ((this.#records[entry * WORDS + KIND]! & INLINE_INT64) !== 0) {
      const bytes = new Uint8Array(8);
      return bytes.subarray(0, this.writeInlineValue(entry, bytes, 0));
    }
    return this.#arena.part(this.valueOffset(entry), this.valueLength(entry));
  }

  /** Entries in order of key. Only keys that were added are sorted: writes to a key do not move it. */
  sorted(sort: (memtable: Memtable, sorted: Uint32Array) => Uint32Array): Uint32Array {
    const before = this.#sorted;
    if (before.length === this.#count) return before;
    this.#sorted = sort(this, before);
    // No cursor goes by it any more: one that waits has a frozen memtable, to which nothing is added.
    freeBytes(before);
    return this.#sorted;
  }

  #mergeInt64Slowly(
    found: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
    hash: number,
    delta: number,
  ): void {
    const older = found < 0 ? undefined : this.#present(found);
    const kind = this.#hidesOlder(found, key, keyOffset, keyLength) ? KIND_PUT : KIND_MERGE;
    const entry = this.#upsert(key, keyOffset, keyLength, hash);
    const at = entry * WORDS;
    const inline = (this.#records[at + KIND]! & INLINE_INT64) !== 0;
    if (older === undefined) {
      this.#records[at + VALUE] = 0;
      this.#records[at + VALUE_LENGTH] = 0;
    } else if (!inline) {
      this.#records[at + VALUE] = int64Low(older, 0, older.length);
      this.#records[at + VALUE_LENGTH] = int64High(older, 0, older.length);
    }
    this.#setKind(entry, kind | INLINE_INT64);
    this.#setExpiry(entry, Infinity);
    addToWords(this.#records, entry * WORDS + VALUE, delta);
  }

  /** What an operand finds in the entry: its bytes, or undefined when it is deleted, covered or expired. */
  #present(entry: number): Uint8Array | undefined {
    if (this.kind(entry) === KIND_DELETE || this.isCovered(entry)) return undefined;
    return this.expiresAt(entry) <= this.time ? undefined : this.value(entry);
  }

  /** Whether entries older than this memtable are out of sight for the key: the operand is then the whole value. */
  #hidesOlder(entry: number, key: Uint8Array, keyOffset: number, keyLength: number): boolean {
    if (entry >= 0 && (this.kind(entry) !== KIND_MERGE || this.isCovered(entry))) return true;
    return this.tombstones.covering(key, keyOffset, keyLength) >= 0;
  }

  #upsert(key: Uint8Array, keyOffset: number, keyLength: number, hash: number): number {
    assert(!this.#isFrozen, "a frozen memtable is not written");
    let entry = this.find(key, keyOffset, keyLength, hash);
    if (entry < 0) {
      assert(keyLength < KEY_LENGTH_LIMIT, "a key is shorter than 256 MiB");
      entry = this.#insert(this.#arena.append(key, keyOffset, keyLength), keyLength, hash);
    }
    this.#sequences[entry] = ++this.#writes;
    return entry;
  }

  #insert(offset: number, length: number, hash: number): number {
    const entry = this.#count++;
    if (entry === this.#hashes.length) {
      this.#records = doubledWords(this.#records);
      this.#hashes = doubledWords(this.#hashes);
      this.#sequences = doubledWords(this.#sequences);
      this.#expiries.grow(this.#hashes.length);
    }
    const at = entry * WORDS;
    this.#records[at + KEY_OFFSET] = offset;
    this.#records[at + KIND] = (length << KEY_LENGTH_SHIFT) | KIND_MERGE;
    this.#records[at + VALUE_LENGTH] = 0;
    this.#hashes[entry] = hash;
    this.#index.add(entry, this.#records, this.#hashes);
    return entry;
  }

  /** `kind`: its flags included. */
  #setKind(entry: number, kind: number): void {
    const at = entry * WORDS + KIND;
    this.#records[at] = ((this.#records[at]! >>> KEY_LENGTH_SHIFT) << KEY_LENGTH_SHIFT) | kind;
  }

  #setValue(
    entry: number,
    kind: EntryKind,
    value: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const at = entry * WORDS;
    const records = this.#records;
    const fits =
      (records[at + KIND]! & INLINE_INT64) === 0 && length <= records[at + VALUE_LENGTH]!;
    if (!fits) records[at + VALUE] = this.#arena.append(value, offset, length);
    else this.#arena.copy(value, offset, length, records[at + VALUE]!);
    records[at + VALUE_LENGTH] = length;
    this.#setKind(entry, kind);
  }

  /** Copies what was there only when its room doubles: the bytes written for a value stay in proportion to it. */
  #appendToValue(
    entry: number,
    kind: EntryKind,
    operand: Uint8Array,
    operator: MergeOperator,
  ): void {
    const at = entry * WORDS;
    const records = this.#records;
    if (this.valueLength(entry) + operand.length > this.#roomOf(entry)) {
      const left = operator.prune?.(this.value(entry), this.time);
      if (left !== undefined) this.#shrinkValue(entry, left, operand.length);
    }
    const length = records[at + VALUE_LENGTH]!;
    const total = length + operand.length;
    if ((records[at + KIND]! & HAS_ROOM) !== 0 && total <= roomFor(length))
      this.#arena.copy(operand, 0, operand.length, records[at + VALUE]! + length);
    else
      records[at + VALUE] = this.#arena.join(records[at + VALUE]!, length, operand, roomFor(total));
    records[at + VALUE_LENGTH] = total;
    this.#setKind(entry, kind | HAS_ROOM);
  }

  /** Bytes the value may take where it stands. */
  #roomOf(entry: number): number {
    const hasRoom = (this.#records[entry * WORDS + KIND]! & HAS_ROOM) !== 0;
    return hasRoom ? roomFor(this.valueLength(entry)) : this.valueLength(entry);
  }

  /**
   * What is left of a value, and `added` bytes to come, stay where it stood when half of its room becomes free:
   * when less does, looking for what expired would cost more than the appends until the next time.
   */
  #shrinkValue(entry: number, left: Uint8Array, added: number): void {
    if (roomFor(left.length + added) * 2 > this.#roomOf(entry)) return;
    const at = entry * WORDS;
    this.#arena.copy(left, 0, left.length, this.#records[at + VALUE]!);
    this.#records[at + VALUE_LENGTH] = left.length;
    this.#records[at + KIND]! |= HAS_ROOM;
  }

  #setExpiry(entry: number, expiresAt: number): void {
    this.#expiries.set(entry, expiresAt, this.#hashes.length);
  }
}
