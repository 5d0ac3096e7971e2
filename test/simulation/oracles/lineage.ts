/**
 * Which checkpoint follows which, and from which line of each log on a branch counts its lines: followed
 * in the coordinator's record. A start from an older checkpoint begins another branch; one from empty
 * state begins at the first line that the logs still have.
 */
import type { World } from "../world.ts";

export type Offsets = ReadonlyMap<number, number>;

/** What this oracle needs of the coordinator's record. */
interface JobRecord {
  readonly generation: number;
  readonly completed: number;
  readonly counts: { readonly restored: number };
}

export class Lineage {
  readonly #world: World;
  readonly #parents = new Map<number, number>();
  /** By checkpoint, where its branch begins. */
  readonly #since = new Map<number, Offsets>();
  #recordText = "";
  #completed = 0;
  #restored = 0;
  #generation = 0;
  #emptySince: Offsets = new Map();

  constructor(world: World) {
    this.#world = world;
  }

  /** Reads the coordinator's record. Call it whenever its storage may have changed. */
  follow(): void {
    const { storage } = this.#world.object({ kind: "coordinator" });
    const [row] = storage.exec<{ record: string }>("SELECT record FROM job");
    if (row === undefined || row.record === this.#recordText) return;
    this.#recordText = row.record;
    const { completed, counts, generation } = JSON.parse(row.record) as JobRecord;
    if (completed === 0 && counts.restored !== this.#restored) this.#emptySince = this.#offsets();
    this.#restored = counts.restored;
    this.#generation = generation;
    if (completed === this.#completed) return;
    if (completed !== 0 && !this.#parents.has(completed)) {
      this.#since.set(completed, this.since);
      this.#parents.set(completed, this.#completed);
    }
    this.#completed = completed;
  }

  get generation(): number {
    return this.#generation;
  }

  /** The checkpoint that the job goes on from. */
  get completed(): number {
    return this.#completed;
  }

  /** Where the present branch begins. */
  get since(): Offsets {
    return this.sinceOf(this.#completed);
  }

  sinceOf(checkpoint: number): Offsets {
    return checkpoint === 0 ? this.#emptySince : (this.#since.get(checkpoint) ?? new Map());
  }

  /** This checkpoint and those it came from, oldest first. */
  branchOf(checkpoint: number): readonly number[] {
    const branch: number[] = [];
    for (let id = checkpoint; id !== 0; id = this.#parents.get(id) ?? 0) branch.push(id);
    return branch.toReversed();
  }

  /** Where each source began when the job was started with empty state. */
  #offsets(): Offsets {
    const { storage } = this.#world.object({ kind: "coordinator" });
    const rows = storage
      .exec<{ data: string }>("SELECT data FROM source")
      .map(({ data }) => JSON.parse(data) as { completed: { source: number; offset: number } });
    return new Map(rows.map(({ completed }) => [completed.source, completed.offset]));
  }
}
