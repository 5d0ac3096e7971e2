/**
 * Frozen memtables become one table. Synchronous: a memtable holds a few MiB, some 20 ms of work.
 */
import type { Environment } from "../environment.ts";
import { withoutFilter } from "../options.ts";
import type { EngineTuning, MergeOperator } from "../options.ts";
import type { BlockLoader } from "../read/block-loader.ts";
import { ENTRY } from "../read/entry-cursor.ts";
import type { CursorBounds } from "../read/entry-cursor.ts";
import { collectTombstones, openMerge } from "../read/read-view.ts";
import { TableBuilder } from "../sst/table-builder.ts";
import type { BuiltTable } from "../sst/table-builder.ts";
import { operatorOf, prunedValue, prunesValues } from "../read/merge-operands.ts";
import { keyGroupStart, stateIdOf } from "../state/state-key.ts";
import type { KeyGroupRange } from "../version/table-reference.ts";
import { EMPTY_VERSION } from "../version/version.ts";
import { KIND_DELETE, KIND_PUT } from "./entry-kind.ts";
import { RECORD_BYTES } from "./entry-record.ts";
import type { Memtable } from "./memtable.ts";
import { MemtableCursor } from "./memtable-cursor.ts";

export interface FlushOptions {
  readonly environment: Environment;
  readonly tuning: EngineTuning;
  readonly loader: BlockLoader;
  readonly mergeOperators: ReadonlyMap<number, MergeOperator>;
  readonly keyGroups: KeyGroupRange;
  readonly time: number;
  /** Nothing older exists: deletions need not be kept and operands are whole values. */
  readonly isBottom: boolean;
  /** The table is compressed when it is stored, not now. */
  readonly defersCompression: boolean;
}

/** `memtables` newest first. Undefined when nothing of them is left to keep. */
export function flushMemtables(
  memtables: readonly Memtable[],
  options: FlushOptions,
): BuiltTable | undefined {
  const keyAndValueBytes = memtables.reduce(
    (sum, { filledBytes, count }) => sum + filledBytes - count * RECORD_BYTES,
    0,
  );
  const builder = new TableBuilder(
    options.environment,
    options.isBottom ? withoutFilter(options.tuning) : options.tuning,
    // Lengths, restarts, index and filter come on top; what keys share does not make up for them.
    keyAndValueBytes + (keyAndValueBytes >> 4),
    options.defersCompression,
  );
  const bounds: CursorBounds = {
    lower: keyGroupStart(options.keyGroups.first),
    upper: keyGroupStart(options.keyGroups.last + 1),
    reverse: false,
  };
  const only = memtables.length === 1 ? memtables[0] : undefined;
  if (only) addMemtable(builder, new MemtableCursor(only, bounds, 0), options);
  else addMerged(builder, memtables, bounds, options);
  if (!options.isBottom) {
    const view = { memtables, version: EMPTY_VERSION, time: options.time };
    for (const { start, end } of collectTombstones(view, bounds).ranges) {
      builder.addDeletedRange(start, end);
    }
  }
  if (builder.isEmpty) return undefined;
  return builder.finish(memtables.at(-1)!.baseSequence + 1, memtables[0]!.lastSequence);
}

/** The usual case: one memtable, whose entries already are one a key and know their hashes. */
function addMemtable(builder: TableBuilder, cursor: MemtableCursor, options: FlushOptions): void {
  const { isBottom, mergeOperators, time } = options;
  const prunes = prunesValues(mergeOperators);
  for (; cursor.state === ENTRY; cursor.advance()) {
    let { kind, value, valueView, valueOffset, valueLength } = cursor;
    if (isBottom && kind !== KIND_PUT) {
      if (kind === KIND_DELETE) continue;
      const { key, keyOffset } = cursor;
      const operator = operatorOf(mergeOperators, stateIdOf(key, keyOffset));
      // An operand becomes a value; a copy, because the operator is promised a whole array.
      value = operator.apply(undefined, value.slice(valueOffset, valueOffset + valueLength));
      kind = KIND_PUT;
      valueView = undefined;
      valueOffset = 0;
      valueLength = value.length;
    }
    if (isBottom && cursor.expiresAt <= time) continue;
    if (prunes && kind !== KIND_DELETE) {
      const whole = value.subarray(valueOffset, valueOffset + valueLength);
      const left = prunedValue(
        mergeOperators,
        stateIdOf(cursor.key, cursor.keyOffset),
        whole,
        time,
      );
      if (left !== whole) {
        value = left;
        valueView = undefined;
        valueOffset = 0;
        valueLength = left.length;
      }
    }
    builder.add(
      cursor.key,
      cursor.keyOffset,
      cursor.keyLength,
      cursor.hash,
      kind,
      value,
      valueOffset,
      valueLength,
      cursor.expiresAt,
      valueView,
    );
  }
}

function addMerged(
  builder: TableBuilder,
  memtables: readonly Memtable[],
  bounds: CursorBounds,
  options: FlushOptions,
): void {
  const view = { memtables, version: EMPTY_VERSION, time: options.time };
  const { mergeOperators } = options;
  const merging = { mergeOperators, keepsTombstones: !options.isBottom, isRewrite: true };
  const merge = openMerge(view, bounds, options.loader, merging);
  while (merge.state === ENTRY) {
    builder.add(
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
    merge.advance();
  }
}
