/**
 * Puts tables into objects. Each path is noted before its PUT; an object that no acknowledgement will
 * name is remembered, so that the next one can hand it over for deletion [10].
 */
import type { BlobStore } from "../blob-store/blob-store.ts";
import { freeBytes } from "../bytes/free.ts";
import { encodeBase64 } from "../bytes/text.ts";
import type { Environment } from "../environment.ts";
import { StateEngineError } from "../errors.ts";
import type { UploadLog } from "../options.ts";
import type { BlockLoader } from "../read/block-loader.ts";
import type { Table } from "../sst/table.ts";

export interface WrittenObject {
  readonly path: string;
  readonly size: number;
}

export class TableWriter {
  readonly #blobStore: BlobStore;
  readonly #uploads: UploadLog;
  readonly #loader: BlockLoader;
  readonly #environment: Environment;
  readonly #sizes = new Map<string, number>();
  #unneeded: WrittenObject[] = [];
  puts = 0;
  bytesWritten = 0;

  constructor(
    blobStore: BlobStore,
    uploads: UploadLog,
    loader: BlockLoader,
    environment: Environment,
  ) {
    this.#environment = environment;
    this.#blobStore = blobStore;
    this.#uploads = uploads;
    this.#loader = loader;
  }

  /** Writes the tables one after the other into one new object. */
  async writeObject(tables: readonly Table[]): Promise<WrittenObject> {
    for (const table of tables) table.compress(this.#environment);
    const { path, size } = await this.#putTables(tables);
    this.bytesWritten += size;
    this.#sizes.set(path, size);
    let offset = 0;
    for (const table of tables) {
      this.abandon(table, false);
      const { inline: _inline, ...description } = table.description;
      table.description = { ...description, id: `${path}#${offset}`, path, offset };
      table.durability = "written";
      table.wasAcknowledged = false;
      offset += table.size;
    }
    return { path, size };
  }

  async #putTables(tables: readonly Table[]): Promise<WrittenObject> {
    const parts: Uint8Array[] = [];
    let isOver = true;
    for (const table of tables) table.borrow();
    try {
      for (const table of tables) parts.push(await this.#loader.whole(table));
      const bytes = parts.length === 1 ? parts[0]! : concatenate(parts);
      const path = this.#uploads.nextPath();
      this.#uploads.note(path);
      isOver = false;
      isOver = await this.#put(path, bytes);
      const size = bytes.length;
      if (isOver && parts.length > 1) freeBytes(bytes);
      return { path, size };
    } finally {
      // Bytes that may still be on their way stay borrowed for ever: the collector has to see to them.
      if (isOver || parts.length > 1) {
        tables.forEach((table, index) => table.giveBack(parts[index]));
      }
    }
  }

  /**
   * An attempt whose outcome is unknown is repeated once: the path is ours alone and so are the bytes [33].
   * Answers whether nothing can be reading them any more.
   */
  async #put(path: string, bytes: Uint8Array): Promise<boolean> {
    try {
      this.puts++;
      await this.#blobStore.put(path, bytes);
      return true;
    } catch (error) {
      if (!(error instanceof StateEngineError && error.kind === "unavailable")) {
        this.#unneeded.push({ path, size: bytes.length });
        throw error;
      }
    }
    try {
      this.puts++;
      await this.#blobStore.put(path, bytes);
      return false;
    } catch (error) {
      // It may be there, now or later: it is handed over with the next acknowledgement.
      this.#unneeded.push({ path, size: bytes.length });
      throw error;
    }
  }

  /** Lets a table travel inside the acknowledgement, under a name of its own. */
  async writeInline(table: Table): Promise<void> {
    table.compress(this.#environment);
    // The bytes have to stay: there is no object to read them from again.
    table.bytes = await this.#loader.whole(table);
    const inline = encodeBase64(table.bytes);
    this.abandon(table, false);
    const path = this.#uploads.nextPath();
    table.description = { ...table.description, id: `${path}#0`, path, offset: 0, inline };
    table.durability = "written";
    table.wasAcknowledged = false;
  }

  /** Bytes of an object this engine wrote; undefined for others and for inline tables. */
  sizeOf(path: string): number | undefined {
    return this.#sizes.get(path);
  }

  /** A table was compacted away or moves: its object, if ours and not acknowledged, is not needed by anyone. */
  abandon(table: Table, isPathLive: boolean): void {
    const { path } = table.description;
    const size = this.#sizes.get(path);
    if (size === undefined || table.durability !== "written") return;
    if (table.wasAcknowledged || isPathLive) return;
    this.#unneeded.push({ path, size });
    this.#sizes.delete(path);
  }

  get unneeded(): readonly WrittenObject[] {
    return this.#unneeded;
  }

  /** The acknowledgement that carried them was accepted. */
  forgetUnneeded(paths: readonly string[]): void {
    this.#unneeded = this.#unneeded.filter(({ path }) => !paths.includes(path));
  }
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
