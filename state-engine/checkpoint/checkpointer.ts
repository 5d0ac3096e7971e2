/**
 * From a frozen state to what an acknowledgement says: writes what no confirmed checkpoint holds,
 * references the rest.
 */
import type { FrozenState, PersistedState, PersistOptions } from "../engine-types.ts";
import type { Memtable } from "../memtable/memtable.ts";
import type { Table } from "../sst/table.ts";
import { checkInvariants } from "../version/invariants.ts";
import { makeVersion, references } from "../version/version.ts";
import type { Run, Version } from "../version/version.ts";
import type { TableReference } from "../version/table-reference.ts";
import { planUploads } from "./plan-uploads.ts";
import type { TableWriter, WrittenObject } from "./table-writer.ts";

/** What freeze() took: the version and, newest first, the memtables above it. */
export class Frozen implements FrozenState {
  readonly sequence: number;
  readonly time: number;
  readonly version: Version;
  /** Those not flushed yet. */
  memtables: readonly Memtable[];
  /** What the others became. They stay here when a compaction has taken them in meanwhile. */
  readonly flushed: Run[] = [];

  constructor(sequence: number, time: number, version: Version, memtables: readonly Memtable[]) {
    this.sequence = sequence;
    this.time = time;
    this.version = version;
    this.memtables = memtables;
  }

  wereFlushed(memtables: readonly Memtable[], run: Run): void {
    const left = this.memtables.filter((memtable) => !memtables.includes(memtable));
    if (left.length === this.memtables.length) return;
    this.memtables = left;
    if (run.tables.length > 0) this.flushed.push(run);
  }
}

export interface ConfirmedState {
  readonly tables: readonly TableReference[];
  readonly sequence: number;
}

export class Checkpointer {
  readonly #writer: TableWriter;
  #confirmed: ConfirmedState;

  constructor(writer: TableWriter, confirmed: ConfirmedState) {
    this.#writer = writer;
    this.#confirmed = confirmed;
  }

  /** All memtables of `frozen` must have been flushed. */
  async persist(frozen: Frozen, options: PersistOptions): Promise<PersistedState> {
    const { sequence } = frozen;
    if (options.mode === "incremental" && sequence === this.#confirmed.sequence) {
      return { ...this.#confirmed, uploads: this.#uploads([]), uploadedBytes: 0 };
    }
    const version = makeVersion([...frozen.version.runs, ...frozen.flushed]);
    checkInvariants(version, sequence);
    const live = version.runs.flatMap(({ tables }) => tables);
    const isFull = options.mode === "full";
    const unwritten = live.filter((table) => isFull || needsWriting(table));
    const spilled = live.filter(
      (table) => !unwritten.includes(table) && table.durability === "written",
    );
    const plan = planUploads(live, unwritten, options.inlineLimitBytes);
    const objects: WrittenObject[] = [];
    let uploadedBytes = 0;
    for (const table of plan.inline) {
      await this.#writer.writeInline(table);
      uploadedBytes += table.size;
    }
    for (const tables of plan.objects) objects.push(await this.#writer.writeObject(tables));
    for (const path of new Set(spilled.map(({ description }) => description.path))) {
      const size = this.#writer.sizeOf(path);
      if (size !== undefined) objects.push({ path, size });
    }
    for (const table of live) if (table.durability === "written") table.wasAcknowledged = true;
    for (const { size } of objects) uploadedBytes += size;
    const uploads = this.#uploads(objects);
    return { tables: references(version), sequence, uploads, uploadedBytes };
  }

  /** With what is not needed any more: a table compacted away meanwhile may be in both. */
  #uploads(written: readonly WrittenObject[]): WrittenObject[] {
    const paths = new Set(written.map(({ path }) => path));
    return [...written, ...this.#writer.unneeded.filter(({ path }) => !paths.has(path))];
  }

  /** Marks the tables that the completed checkpoint names, and answers them. */
  confirm(persisted: ConfirmedState, tables: readonly Table[]): Table[] {
    this.#confirmed = { tables: persisted.tables, sequence: persisted.sequence };
    const named = new Set(persisted.tables.map(({ id }) => id));
    const confirmed = tables.filter(({ description }) => named.has(description.id));
    for (const table of confirmed) {
      table.confirmed = table.description;
      table.durability = "confirmed";
    }
    return confirmed;
  }
}

/**
 * In memory only; or in an object that an acknowledgement named without its checkpoint being
 * confirmed: that one was given up, and the object is the coordinator's to delete. A table that an
 * earlier checkpoint confirmed goes back to where that one has it.
 */
function needsWriting(table: Table): boolean {
  if (table.durability === "memory") return true;
  if (table.durability === "confirmed" || !table.wasAcknowledged) return false;
  if (table.confirmed === undefined) return true;
  table.description = table.confirmed;
  table.durability = "confirmed";
  return false;
}
