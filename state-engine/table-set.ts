/**
 * The engine's tables: the current version, how memtables become tables, and how compactions and
 * spills change the set. Everything here that does not wait is one step: nothing is seen half done.
 */
import { assert } from "./assert.ts";
import { encodeHex } from "./bytes/text.ts";
import { Compaction } from "./compaction/compaction.ts";
import { beginMerge, findUnfinishedMerge, takeOver } from "./compaction/merge-progress.ts";
import type { MergeProgress } from "./compaction/merge-progress.ts";
import { pickCompaction } from "./compaction/pick-compaction.ts";
import type { CompactionChoice } from "./compaction/pick-compaction.ts";
import { runShape } from "./compaction/run-shape.ts";
import type { TableWriter } from "./checkpoint/table-writer.ts";
import type { EngineOptions, EngineTuning } from "./options.ts";
import { flushMemtables } from "./memtable/flush.ts";
import { StateEngineError } from "./errors.ts";
import { deferredCompressionLimit, tableLimit } from "./limits.ts";
import type { Memtable } from "./memtable/memtable.ts";
import type { BlockLoader } from "./read/block-loader.ts";
import { FORMAT_VERSION } from "./sst/format.ts";
import type { BuiltTable } from "./sst/table-builder.ts";
import { Table } from "./sst/table.ts";
import { shortenBounds } from "./version/key-bounds.ts";
import { BOTTOM_LEVEL, applyEdit, makeRun } from "./version/version.ts";
import type { Run, Version } from "./version/version.ts";

export class TableSet {
  readonly #options: EngineOptions;
  readonly #tuning: EngineTuning;
  readonly #loader: BlockLoader;
  readonly #writer: TableWriter;
  readonly #retire: (tables: readonly Table[]) => void;
  #version: Version;
  #nextRun: number;
  #built = 0;
  #compaction: Compaction | undefined;
  /** Of the compaction under way: what the version shows of it. */
  #progress: MergeProgress | undefined;
  #step: Promise<boolean> | undefined;
  /** Finished tables that did not take over anything yet, because the next one begins like them. */
  #pending: Table[] = [];
  /** Bytes in objects that compactions took in since the last freeze: the next checkpoint writes them anew. */
  #rewrittenBytes = 0;
  #sequenceAtFreeze: number;
  flushes = 0;
  flushedBytes = 0;
  compactions = 0;
  compactedBytes = 0;

  constructor(
    options: EngineOptions,
    tuning: EngineTuning,
    loader: BlockLoader,
    writer: TableWriter,
    version: Version,
    sequence: number,
    retire: (tables: readonly Table[]) => void,
  ) {
    this.#sequenceAtFreeze = sequence;
    this.#retire = retire;
    this.#options = options;
    this.#tuning = tuning;
    this.#loader = loader;
    this.#writer = writer;
    this.#version = version;
    this.#nextRun = version.runs.reduce((highest, { run }) => Math.max(highest, run), 0) + 1;
  }

  get version(): Version {
    return this.#version;
  }

  get tables(): Table[] {
    return this.#version.runs.flatMap(({ tables }) => tables);
  }

  /** Bytes that the compaction under way has yet to read. */
  get bytesLeft(): number {
    return this.#compaction?.bytesLeft ?? 0;
  }

  /** Bytes only memory holds, and those of the compaction under way. */
  get heldBytes(): number {
    let bytes = this.#compaction?.usedBytes ?? 0;
    for (const { tables } of this.#version.runs) {
      for (const table of tables) bytes += heldBytes(table);
    }
    for (const table of this.#pending) bytes += heldBytes(table);
    return bytes;
  }

  /**
   * Compresses tables that only memory holds, then writes them into objects, largest first, and lets
   * their bytes go [31].
   * `pinned`: those of earlier versions.
   */
  async spill(excessBytes: number, pinned: readonly Table[]): Promise<void> {
    let left = excessBytes;
    const all = [...this.#pending, ...this.tables, ...pinned];
    const tables = all.filter((table) => heldBytes(table) > 0);
    for (const table of tables) left -= table.compress(this.#options.environment);
    for (const table of tables.sort((a, b) => b.size - a.size)) {
      if (left <= 0) return;
      // A compaction took it in while another one was written.
      if (heldBytes(table) === 0) continue;
      if (table.durability === "memory") await this.#writer.writeObject([table]);
      if (!this.#isLive(table)) this.#writer.abandon(table, false);
      if (!table.canBeReadAgain) continue;
      this.#loader.cache.drop(table);
      table.release();
      left -= table.size;
    }
  }

  /** Turns frozen memtables into a run: at the bottom when nothing is below, else the newest of level 0. */
  flush(memtables: readonly Memtable[], isBottom: boolean): Run {
    const { environment, mergeOperators, keyGroups } = this.#options;
    assert(!isBottom || this.#version.runs.length === 0, "a bottom flush has nothing below it");
    const built = flushMemtables(memtables, {
      environment,
      tuning: this.#tuning,
      loader: this.#loader,
      mergeOperators,
      keyGroups,
      // What has expired since they were frozen is still in the checkpoint they are frozen for [15].
      time: memtables[0]!.time,
      isBottom,
      defersCompression: this.#defersCompression(),
    });
    const tables = built === undefined ? [] : [this.#adopt(built, 0)];
    const run = makeRun(isBottom ? BOTTOM_LEVEL : 0, this.#nextRun++, tables);
    this.#version = applyEdit(this.#version, { removed: [], added: [run] });
    this.flushes++;
    this.flushedBytes += run.bytes;
    return run;
  }

  /** A checkpoint took what there is: what compactions may write anew is counted from here. */
  beginInterval(sequence: number): void {
    this.#rewrittenBytes = 0;
    this.#sequenceAtFreeze = sequence;
  }

  /**
   * One slice of compaction; true when there is more to do. `sequence`: of the last write. Who asks while one
   * is under way gets the same.
   */
  compactStep(time: number, sequence: number): Promise<boolean> {
    this.#step ??= this.#compactStep(time, sequence).finally(() => (this.#step = undefined));
    return this.#step;
  }

  async #compactStep(time: number, sequence: number): Promise<boolean> {
    this.#compaction ??= this.#begin(time, sequence);
    const compaction = this.#compaction;
    if (compaction === undefined) return this.#hasMore(time, sequence);
    let isDone: boolean;
    try {
      isDone = await compaction.step();
    } catch (error) {
      // What storage did not answer is asked for again with the next slice; nothing done so far is lost.
      const goesOn = error instanceof StateEngineError && error.kind === "unavailable";
      if (!goesOn) this.#endCompaction();
      throw error;
    }
    if (!isDone) return true;
    this.compactions++;
    this.#endCompaction();
    return this.#hasMore(time, sequence);
  }

  #hasMore(time: number, sequence: number): boolean {
    if (findUnfinishedMerge(this.#version) !== undefined) return true;
    return this.#choose(time, sequence) !== undefined;
  }

  #choose(time: number, sequence: number): CompactionChoice | undefined {
    const shapes = this.#version.runs.map((run) => runShape(run, time));
    return pickCompaction(shapes, this.#tuning, this.#allowance(sequence));
  }

  /** Bytes in objects that compactions may still write anew before the next checkpoint. */
  #allowance(sequence: number): number {
    const { quietChangeRatio, quietCompactionRatio, quietRuns } = this.#tuning;
    if (this.#version.runs.length > quietRuns) return Infinity;
    const { tables } = this;
    const entries = tables.reduce((sum, { description }) => sum + description.entries, 0);
    if (sequence - this.#sequenceAtFreeze >= quietChangeRatio * entries) return Infinity;
    return quietCompactionRatio * bytesOf(tables) - this.#rewrittenBytes;
  }

  /** Goes on with the compaction that a loss of memory interrupted, or begins the one that is worth most. */
  #begin(time: number, sequence: number): Compaction | undefined {
    const unfinished = findUnfinishedMerge(this.#version);
    if (unfinished !== undefined) return this.#merge(unfinished, time);
    const choice = this.#choose(time, sequence);
    if (choice === undefined) return undefined;
    const inputs = this.#version.runs.slice(choice.first, choice.last + 1);
    if (choice.kind === "merge") {
      return this.#merge(beginMerge(inputs, choice.level, this.#nextRun++), time);
    }
    const { tables, narrowed } = inputs[0]!;
    const moved = makeRun(choice.level, this.#nextRun++, tables, narrowed);
    this.#version = applyEdit(this.#version, { removed: inputs, added: [moved] });
    return undefined;
  }

  #merge(progress: MergeProgress, time: number): Compaction {
    const { inputs, level } = progress;
    for (const run of inputs) this.#rewrittenBytes += runShape(run, time).writtenBytes;
    this.#progress = progress;
    const { environment, mergeOperators, keyGroups } = this.#options;
    return new Compaction({
      environment,
      tuning: { ...this.#tuning, tableBytes: tableLimit(this.#tuning, environment.memory.share()) },
      loader: this.#loader,
      mergeOperators,
      keyGroups,
      time,
      inputs,
      level,
      defersCompression: () => this.#defersCompression(),
      finished: (built, until) => this.#finished(built, until),
    });
  }

  /** What may be merged again before it is stored is compressed for nothing: as long as memory is ample. */
  #defersCompression(): boolean {
    const share = this.#options.environment.memory.share();
    return this.heldBytes <= deferredCompressionLimit(share);
  }

  #finished(built: BuiltTable | undefined, until: Uint8Array | undefined): void {
    if (built !== undefined) {
      const position = this.#progress!.outputs.length + this.#pending.length;
      const table = this.#adopt(built, position);
      this.#pending.push(table);
      this.compactedBytes += table.storedBytes;
    }
    if (until !== undefined) this.#takeOver(until);
  }

  /** One step of the version: what the inputs have below `until` is from now on in what was finished. */
  #takeOver(until: Uint8Array): void {
    const before = this.#progress!;
    const after = takeOver(before, until, this.#pending);
    this.#progress = after;
    this.#pending = [];
    this.#version = applyEdit(this.#version, { removed: before.runs, added: after.runs });
    const left = new Set(after.inputs.flatMap(({ tables }) => tables));
    const gone = before.inputs.flatMap(({ tables }) => tables.filter((input) => !left.has(input)));
    this.#release(gone);
  }

  /** Done, or given up: what has taken over stays. */
  #endCompaction(): void {
    const pending = this.#pending;
    this.#compaction?.close();
    this.#compaction = undefined;
    this.#progress = undefined;
    this.#pending = [];
    this.#release(pending);
  }

  #isLive(table: Table): boolean {
    return this.#pending.includes(table) || this.tables.includes(table);
  }

  #release(tables: readonly Table[]): void {
    const live = new Set(this.tables.map(({ description }) => description.path));
    for (const table of tables) {
      this.#loader.cache.drop(table);
      // Whoever still reads it does so from its object.
      if (table.durability === "confirmed" && table.canBeReadAgain) table.release();
      this.#writer.abandon(table, live.has(table.description.path));
    }
    this.#retire(tables);
  }

  /** `position`: among the tables of its run. */
  #adopt(built: BuiltTable, position: number): Table {
    const { bytes, properties, indexOffset, expectedBytes } = built;
    const bounds = shortenBounds(properties, this.#tuning.boundBytes);
    const name = `memory#${this.#built++}`;
    const description = {
      id: name,
      path: name,
      offset: 0,
      size: bytes.length,
      keyGroups: this.#options.keyGroups,
      smallestKey: encodeHex(bounds.smallestKey),
      largestKey: encodeHex(bounds.largestKey),
      ...(bounds !== properties && { position }),
      entries: properties.entries,
      tombstones: properties.tombstones,
      ...(properties.deletedRanges.length > 0 && {
        deletedRanges: properties.deletedRanges.length,
      }),
      ...(properties.expiry && { expiry: properties.expiry }),
      smallestSequence: properties.smallestSequence,
      largestSequence: properties.largestSequence,
      formatVersion: FORMAT_VERSION,
      indexOffset,
    };
    const { compression } = this.#tuning;
    const deferred = expectedBytes === undefined ? undefined : { compression, expectedBytes };
    return new Table(description, "memory", bytes, deferred);
  }
}

function bytesOf(tables: readonly Table[]): number {
  return tables.reduce((sum, { size }) => sum + size, 0);
}

/** Bytes a table keeps in memory. Once it is confirmed, they are the cache's to account for. */
export function heldBytes(table: Table): number {
  return table.bytes !== undefined && table.durability !== "confirmed" ? table.size : 0;
}
