/**
 * The registry of objects: one row by path, (createdBy, lastUsed), and the order mark dead → delete →
 * forget [10, 34]. Manifests have rows of their own and outlive the checkpoints that reach them [9].
 * Deleting itself is garbage.ts.
 */
import type { PartitionState, Upload } from "../messages.ts";
import type { OfTask } from "./rows.ts";
import { selectDeadManifests, selectGarbage, type RegisteredObject } from "./select-garbage.ts";
import type { RetainedCheckpoint } from "./rows.ts";
import type { CoordinatorStore } from "./store.ts";

export class Registry {
  readonly #store: CoordinatorStore;

  constructor(store: CoordinatorStore) {
    this.#store = store;
  }

  /** Of `paths`, which are registered: dead or not. */
  lookUp(paths: Iterable<string>): { live: Set<string>; dead: Set<string> } {
    const live = new Set<string>();
    const dead = new Set<string>();
    for (const path of paths) {
      const [row] = this.#store.read<{ dead: number }>(
        "SELECT dead FROM object WHERE path = ?",
        path,
      );
      if (row !== undefined) (row.dead === 1 ? dead : live).add(path);
    }
    return { live, dead };
  }

  /** Every path registered whose name begins with `prefix`. */
  pathsBelow(prefix: string): string[] {
    return this.#store
      .read<{ path: string }>(
        "SELECT path FROM object WHERE path >= ? AND path < ?",
        prefix,
        `${prefix.slice(0, -1)}0`,
      )
      .map(({ path }) => path);
  }

  /** Every object and manifest there is a row of, dead or not. */
  allPaths(): string[] {
    return this.#paths("SELECT path FROM object UNION ALL SELECT path FROM manifest");
  }

  /**
   * The job was cancelled and its checkpoints are not kept: everything `listed` by the latest one or
   * used by an older one is dead, and so is every manifest.
   */
  discard(listed: readonly OfTask<PartitionState>[]): void {
    for (const path of objectsListed(listed)) this.markDead(path);
    this.#store.write("UPDATE object SET dead = 1 WHERE last_used IS NOT NULL");
    this.#store.write("UPDATE manifest SET dead = 1");
  }

  markDead(path: string): void {
    this.#store.write("UPDATE object SET dead = 1 WHERE path = ?", path);
  }

  /** Objects of an acknowledgement that does not count. A row that is already there knows better and stays. */
  registerLost(uploads: readonly Upload[], checkpoint: number, dead: boolean): void {
    for (const { path, size } of uploads) {
      this.#store.writeIndexed(
        "INSERT OR IGNORE INTO object (path, size, created_by, last_used, dead) VALUES (?, ?, ?, ?, ?)",
        path,
        size,
        checkpoint,
        checkpoint,
        dead ? 1 : 0,
      );
    }
  }

  /**
   * The objects of a checkpoint that completes: those listed live, those uploaded and not listed dead,
   * those that no partition lists any more last used by the checkpoint before [34].
   */
  complete(change: RegistryChange): void {
    const sizes = new Map<string, number>();
    for (const { path, size } of change.uploads) sizes.set(path, size);
    const listed = objectsListed(change.now);
    const before = objectsListed(change.before);
    for (const path of listed) {
      if (before.has(path)) continue;
      this.#store.write(
        "INSERT INTO object (path, size, created_by) VALUES (?, ?, ?) ON CONFLICT (path) DO UPDATE SET last_used = NULL",
        path,
        sizes.get(path) ?? 0,
        change.checkpoint,
      );
    }
    for (const path of before) {
      if (listed.has(path)) continue;
      this.#store.writeIndexed(
        "UPDATE object SET last_used = ? WHERE path = ?",
        change.checkpoint - 1,
        path,
      );
    }
    const unused = change.uploads.filter(({ path }) => !listed.has(path) && !before.has(path));
    this.registerLost(unused, change.checkpoint, true);
  }

  /** Objects of committed output: no table, so no checkpoint drops them; they go with their row of output. */
  keepOutput(objects: readonly Upload[], checkpoint: number): void {
    for (const { path, size } of objects) {
      this.#store.write(
        "INSERT INTO object (path, size, created_by) VALUES (?, ?, ?) ON CONFLICT (path) DO UPDATE SET last_used = NULL",
        path,
        size,
        checkpoint,
      );
    }
  }

  /** A start from an older checkpoint: its objects are live again, those only the latest lists are not [18]. */
  rewind(
    now: readonly OfTask<PartitionState>[],
    before: readonly OfTask<PartitionState>[],
    latest: number,
  ): void {
    const listed = objectsListed(now);
    for (const path of listed) {
      this.#store.write(
        "INSERT OR REPLACE INTO object_gap SELECT path, last_used + 1, ? FROM object WHERE path = ? AND last_used IS NOT NULL",
        latest,
        path,
      );
      this.#store.writeIndexed(
        "UPDATE object SET last_used = NULL WHERE path = ? AND last_used IS NOT NULL",
        path,
      );
    }
    for (const path of objectsListed(before)) {
      if (listed.has(path)) continue;
      this.#store.writeIndexed("UPDATE object SET last_used = ? WHERE path = ?", latest, path);
    }
  }

  noteManifest(path: string, id: number, size: number): void {
    this.#store.write(
      "INSERT OR IGNORE INTO manifest (path, id, size) VALUES (?, ?, ?)",
      path,
      id,
      size,
    );
  }

  /** Bytes in the bucket that are this job's, as far as it knows. */
  storedBytes(): number {
    const [row] = this.#store.read<{ bytes: number }>(
      "SELECT (SELECT COALESCE(SUM(size), 0) FROM object) + (SELECT COALESCE(SUM(size), 0) FROM manifest) AS bytes",
    );
    return row?.bytes ?? 0;
  }

  /** A manifest that was given up while its PUT was under way: deleted now and once more at `again` [33]. */
  strayManifest(path: string, again: number): void {
    this.#store.write(
      "UPDATE manifest SET dead = 1, delete_again_at = ? WHERE path = ?",
      again,
      path,
    );
  }

  /** Marks what nobody needs; answers whether anything is to be deleted. `completed`: see GarbageFacts. */
  markGarbage(retained: readonly RetainedCheckpoint[], completed: number): boolean {
    const objects = this.#store
      .read<DroppedRow>(
        `SELECT path, created_by, last_used, first, last FROM object LEFT JOIN object_gap USING (path)
           WHERE last_used IS NOT NULL AND dead = 0`,
      )
      .map(({ path, created_by, first, last, last_used }): RegisteredObject => ({
        path,
        createdBy: created_by,
        lastUsed: last_used,
        ...(first !== null && last !== null && { gap: { first, last } }),
      }));
    const ids = retained.map(({ id }) => id);
    for (const path of selectGarbage({ objects, retained: ids, completed })) {
      this.markDead(path);
    }
    const manifests = this.#store.read<{ path: string; id: number }>(
      "SELECT path, id FROM manifest WHERE dead = 0",
    );
    for (const { path } of selectDeadManifests(manifests, retained)) {
      this.#store.write("UPDATE manifest SET dead = 1 WHERE path = ?", path);
    }
    return this.deadObjects().length + this.deadManifests().length > 0;
  }

  deadObjects(): string[] {
    return this.#paths("SELECT path FROM object WHERE dead = 1");
  }

  /** Old checkpoints of which something is still to be deleted, about. */
  checkpointsBeingDeleted(): number {
    const [row] = this.#store.read<{ objects: number; manifests: number }>(
      `SELECT (SELECT COUNT(DISTINCT last_used) FROM object WHERE last_used IS NOT NULL AND dead = 1) AS objects,
         (SELECT COUNT(*) FROM manifest WHERE dead = 1 AND delete_again_at IS NULL) AS manifests`,
    );
    return Math.max(row?.objects ?? 0, row?.manifests ?? 0);
  }

  /** Oldest first; manifests go after the objects they name. */
  deadManifests(): string[] {
    return this.#paths(
      "SELECT path FROM manifest WHERE dead = 1 AND delete_again_at IS NULL ORDER BY id",
    );
  }

  /** Manifests that were given up, and when to delete them for good. */
  strays(): { path: string; again: number }[] {
    return this.#store.read<{ path: string; again: number }>(
      "SELECT path, delete_again_at AS again FROM manifest WHERE delete_again_at IS NOT NULL",
    );
  }

  forget(objects: readonly string[], manifests: readonly string[]): void {
    for (const path of objects) this.#store.writeIndexed("DELETE FROM object WHERE path = ?", path);
    // Once for all of them: there is none unless the job was started from an older checkpoint.
    if (objects.length > 0) {
      this.#store.write("DELETE FROM object_gap WHERE path NOT IN (SELECT path FROM object)");
    }
    for (const path of manifests) this.#store.write("DELETE FROM manifest WHERE path = ?", path);
  }

  #paths(query: string): string[] {
    return this.#store.read<{ path: string }>(query).map(({ path }) => path);
  }
}

type DroppedRow = {
  path: string;
  created_by: number;
  last_used: number;
  first: number | null;
  last: number | null;
};

export interface RegistryChange {
  readonly checkpoint: number;
  /** All partitions as the checkpoint has them, and as the latest completed one has them. */
  readonly now: readonly OfTask<PartitionState>[];
  readonly before: readonly OfTask<PartitionState>[];
  readonly uploads: readonly Upload[];
}

/** Objects that the partitions need, of tables and of in-flight frames; what is inline needs none. */
export function objectsListed(partitions: readonly OfTask<PartitionState>[]): Set<string> {
  const paths = new Set<string>();
  for (const { data } of partitions) {
    for (const table of data.tables) if (table.inline === undefined) paths.add(table.path);
    if (data.inFlight !== undefined && "path" in data.inFlight.data) {
      paths.add(data.inFlight.data.path);
    }
  }
  return paths;
}
