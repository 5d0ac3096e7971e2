/**
 * What a local runtime keeps on disk, read from outside: the bucket, the alarms, the coordinator's rows.
 * Nothing of Weir answers here, so that what Weir says about itself can be checked against it.
 *
 * Reads the files of Miniflare and workerd in the versions package.json pins. Reading while the
 * runtime runs sees what it has committed.
 */
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface StoredObject {
  readonly path: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly uploadedAt: number;
}

export class RuntimeStorage {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Everything in the bucket, by path. */
  objects(): StoredObject[] {
    return this.#bucketRows<{ key: string; size: number; uploaded: number }>(
      "SELECT key, size, uploaded FROM _mf_objects ORDER BY key",
    ).map(({ key, size, uploaded }) => ({ path: key, size, uploadedAt: uploaded }));
  }

  /** The bytes of one object. Throws when there is none. */
  read(path: string): Uint8Array {
    const [row] = this.#bucketRows<{ blob_id: string }>(
      "SELECT blob_id FROM _mf_objects WHERE key = ?",
      path,
    );
    if (row === undefined) throw new Error(`The bucket holds no object ${path}.`);
    return readFileSync(join(this.#directory, "r2", "weir", "blobs", row.blob_id));
  }

  /** The alarms that are set, of all objects of all classes; times in milliseconds since the epoch. */
  alarms(): { readonly object: string; readonly time: number }[] {
    return this.#files("do/*/metadata.sqlite").flatMap((file) =>
      rowsOf<{ actor_name: string; scheduled_time: number }>(
        file,
        "SELECT actor_name, scheduled_time / 1000000 AS scheduled_time FROM _cf_ALARM WHERE scheduled_time IS NOT NULL",
      ).map(({ actor_name: object, scheduled_time: time }) => ({ object, time })),
    );
  }

  /** What the databases of all objects take, and their write-ahead logs. */
  databaseBytes(): { readonly sqliteBytes: number; readonly journalBytes: number } {
    const sum = (files: readonly string[]): number =>
      // Write-ahead logs come and go.
      files.reduce(
        (total, file) => total + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
        0,
      );
    return {
      sqliteBytes: sum(this.#files("do/*/*.sqlite")),
      journalBytes: sum(this.#files("do/*/*.sqlite-wal")),
    };
  }

  /** Rows of a table over all objects of one class that have it. */
  rows<Row>(className: "Source" | "Partition" | "Coordinator", table: string): Row[] {
    return this.#files(`do/weir-${className}/*.sqlite`)
      .filter((file) => !file.endsWith("metadata.sqlite") && hasTable(file, table))
      .flatMap((file) => rowsOf<Row>(file, `SELECT * FROM "${table}"`));
  }

  #bucketRows<Row>(query: string, ...bindings: string[]): Row[] {
    return this.#files("r2/miniflare-R2BucketObject/*.sqlite")
      .filter((file) => !file.endsWith("metadata.sqlite"))
      .flatMap((file) => rowsOf<Row>(file, query, ...bindings));
  }

  #files(pattern: string): string[] {
    return globSync(join(this.#directory, pattern)).sort();
  }
}

function hasTable(file: string, table: string): boolean {
  const query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?";
  return rowsOf(file, query, table).length > 0;
}

function rowsOf<Row>(file: string, query: string, ...bindings: string[]): Row[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare(query).all(...bindings) as Row[];
  } finally {
    database.close();
  }
}
