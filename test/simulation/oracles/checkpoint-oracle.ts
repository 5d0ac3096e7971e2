/**
 * Restores every retained checkpoint when it is completed and again at the end, looks for all it needs
 * whenever the list of retained ones changes, and has the job judge what is in it, together with the
 * output committed up to it. Reads manifests by itself: a chain is resolved here a second time,
 * independently of the product's code.
 *
 * Checks: a checkpoint holds exactly the lines below its offsets, whole ones only, on whatever
 * partitions; no table is added twice along a chain; nothing a retained checkpoint needs is deleted or
 * overwritten.
 */
import type { Manifest, PartitionTables } from "../../../state-engine/index.ts";
import type { SimulatedJob, States } from "../jobs/simulated-job.ts";
import type { World } from "../world.ts";
import { Lineage } from "./lineage.ts";
import type { LogOracle } from "./log-oracle.ts";
import { OutputOracle } from "./output-oracle.ts";
import { StateReading } from "./state-reading.ts";

interface Retained {
  readonly id: number;
  readonly path: string;
  readonly sources: readonly { readonly source: number; readonly offset: number }[];
}

export class CheckpointOracle {
  readonly #world: World;
  readonly #log: LogOracle;
  readonly #job: SimulatedJob;
  readonly #reading: StateReading;
  readonly lineage: Lineage;
  readonly output: OutputOracle;
  #retainedText = "";
  #retained: readonly Retained[] = [];
  #neededFrom: ReadonlyMap<number, number> = new Map();
  #coordinatorRead = -1;
  /** What each retained checkpoint needs, by its id. */
  readonly #needs = new Map<number, ReadonlySet<string>>();
  /** Paths that were written after a DELETE of them: only the orphan scan can find those. */
  readonly #deleted = new Set<string>();
  readonly #landedLate = new Set<string>();
  checked = 0;
  tablesUploaded = 0;
  /** In all checkpoints checked; each of them as often as that was checked. */
  framesInFlight = 0;

  constructor(world: World, log: LogOracle, job: SimulatedJob) {
    this.#world = world;
    this.#log = log;
    this.#job = job;
    this.#reading = new StateReading(world, job.graph);
    this.lineage = new Lineage(world);
    this.output = new OutputOracle(world, this.lineage);
    world.bucket.observer = {
      deleting: (path) => this.#deleting(path),
      written: (path, bytes, before) => this.#written(path, bytes, before),
    };
  }

  /** Undefined when nothing changed. */
  follow(): Promise<void> | undefined {
    const { storage } = this.#world.object({ kind: "coordinator" });
    if (this.#coordinatorRead === storage.writes || !storage.hasTable("retained")) return undefined;
    this.#coordinatorRead = storage.writes;
    this.lineage.follow();
    this.output.follow();
    const rows = storage.exec<{ data: string }>("SELECT data FROM retained ORDER BY completion");
    const text = rows.map(({ data }) => data).join("\n");
    if (text === this.#retainedText) return undefined;
    this.#retainedText = text;
    this.#retained = rows.map(({ data }) => JSON.parse(data) as Retained);
    this.#neededFrom = leastOffsets(this.#retained);
    return this.#followRetained();
  }

  /**
   * Restores the new ones. Blobs are never overwritten with other bytes (that is a violation of its
   * own), so what was counted once stays right as long as all it needs is there.
   */
  #followRetained(): Promise<void> | undefined {
    const fresh: Retained[] = [];
    for (const checkpoint of this.#retained) {
      const needs = this.#needs.get(checkpoint.id);
      if (needs === undefined) fresh.push(checkpoint);
      for (const path of needs ?? []) {
        if (!this.#world.bucket.has(path)) this.#broken(checkpoint, `lacks ${path}`);
      }
    }
    return fresh.length === 0 ? undefined : this.#restoreAll(fresh);
  }

  /** Restores every one of them, whether that was done before or not. */
  checkRetained(): Promise<void> {
    return this.#restoreAll(this.#retained);
  }

  /** All is silent: the latest one holds everything that ever follows from the lines. */
  async checkLatest(): Promise<void> {
    const latest = this.#retained.filter(({ id }) => id === this.lineage.completed);
    await this.#restoreAll(latest, true);
  }

  /** Every state in the latest one; empty when there is none. */
  async readLatest(): Promise<States> {
    const latest = this.#retained.find(({ id }) => id === this.lineage.completed);
    if (latest === undefined) return new Map();
    return this.#reading.read(this.#resolve(latest, this.#manifest(latest.path)));
  }

  async #restoreAll(checkpoints: readonly Retained[], isEnd = false): Promise<void> {
    for (const checkpoint of checkpoints) {
      try {
        await this.#check(checkpoint, isEnd);
      } catch (error) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        this.#broken(checkpoint, `cannot be restored: ${text}`);
      }
    }
  }

  get retainedIds(): readonly number[] {
    return this.#retained.map(({ id }) => id);
  }

  /** Offsets of the checkpoint that the job goes on from, by source. */
  get latestOffsets(): ReadonlyMap<number, number> {
    const latest = this.#retained.find(({ id }) => id === this.lineage.completed);
    return latest === undefined ? this.lineage.since : offsetsOf(latest.sources);
  }

  /** By source, the line from which the log is needed: the least offset of any retained checkpoint [18]. */
  get neededFrom(): ReadonlyMap<number, number> {
    return this.#neededFrom;
  }

  /**
   * The bucket holds what retained checkpoints need, committed output, and nothing else, but for what
   * landed after its DELETE, and what a sleeping partition has noted and deletes when it attaches [10].
   */
  expectCleanBucket({ butForLateOnes = true } = {}): void {
    const needed = new Set([...this.#needs.values()].flatMap((paths) => [...paths]));
    for (const { storage } of this.#world.objects) {
      if (!storage.hasTable("upload")) continue;
      for (const { path } of storage.exec<{ path: string }>("SELECT path FROM upload")) {
        needed.add(path);
      }
    }
    const left = this.#world.bucket.paths.filter(
      (path) =>
        !needed.has(path) &&
        !(butForLateOnes && this.#landedLate.has(path)) &&
        !this.output.holds(path),
    );
    if (left.length === 0) return;
    this.#world.violations.add(
      `The bucket still holds ${left.length} objects that no retained checkpoint needs: ${left.slice(0, 5).join(", ")}.`,
    );
  }

  async #check(checkpoint: Retained, isEnd: boolean): Promise<void> {
    const manifest = this.#manifest(checkpoint.path);
    const partitions = this.#resolve(checkpoint, manifest);
    const needs = new Set([checkpoint.path, ...manifest.chain]);
    const frames: Uint8Array[] = [];
    for (const { inFlight, tables } of partitions) {
      for (const { inline, path } of tables) if (inline === undefined) needs.add(path);
      if (inFlight === undefined) continue;
      if ("path" in inFlight.data) needs.add(inFlight.data.path);
      frames.push(...(await this.#reading.readInFlight(inFlight)));
    }
    const states = await this.#reading.read(partitions);
    this.#needs.set(checkpoint.id, needs);
    this.checked++;
    this.framesInFlight += frames.length;
    const whole = frames.length === 0 ? states : this.#job.withInFlight?.(states, frames);
    // What frames on their way will do to other states shows in the end, and when it is restored.
    if (whole === undefined) return;
    const since = this.lineage.sinceOf(checkpoint.id);
    const wrong = this.#job.check({
      lines: this.#log.linesBetween(since, offsetsOf(manifest.sources)),
      states: whole,
      output: this.output.upTo(checkpoint.id),
      isEnd,
    });
    if (wrong !== undefined) this.#broken(checkpoint, `is wrong: ${wrong}`);
  }

  #resolve(checkpoint: Retained, manifest: Manifest): readonly PartitionTables[] {
    const chain = [...manifest.chain.map((path) => this.#manifest(path)), manifest];
    const partitions = new Map<string, PartitionTables>();
    for (const [place, link] of chain.entries()) {
      if ((link.parent === null) !== (place === 0)) {
        this.#broken(checkpoint, `has a manifest ${link.id} out of place in its chain`);
      }
      for (const { added, removed, moved, ...rest } of link.partitions) {
        const name = `${rest.vertex}/${rest.index}`;
        const before = partitions.get(name)?.tables ?? [];
        const known = new Map(before.map((table) => [table.id, table]));
        for (const table of added) {
          if (known.has(table.id)) this.#broken(checkpoint, `adds table ${table.id} twice`);
          known.set(table.id, table);
        }
        for (const identity of removed) {
          if (!known.delete(identity.split("@")[0]!)) {
            this.#broken(checkpoint, `removes table ${identity} that its chain does not hold`);
          }
        }
        for (const { table, ...place } of moved) {
          const id = table.split("@")[0]!;
          // Only a table of which part was taken over has a key from which it counts; its format says so.
          const { fromKey: _before, ...kept } = known.get(id)!;
          const formatVersion = place.fromKey === undefined ? 1 : 2;
          known.set(id, { ...kept, ...place, formatVersion });
        }
        partitions.set(name, { ...rest, tables: [...known.values()] });
      }
    }
    return [...partitions.values()];
  }

  #manifest(path: string): Manifest {
    const bytes = this.#world.bucket.read(path);
    if (bytes === undefined) throw new Error(`There is no manifest at ${path}.`);
    return JSON.parse(new TextDecoder().decode(bytes)) as Manifest;
  }

  #broken(checkpoint: Retained, what: string): void {
    this.#world.violations.add(`The retained checkpoint ${checkpoint.id} ${what}.`);
  }

  #deleting(path: string): void {
    this.#deleted.add(path);
    this.output.deleting(path);
    const retainedNow = this.#retainedNow();
    for (const [id, needs] of this.#needs) {
      if (!retainedNow.has(id)) this.#needs.delete(id);
      else if (needs.has(path)) {
        this.#world.violations.add(`${path} was deleted while checkpoint ${id} needs it.`);
      }
    }
  }

  #written(path: string, bytes: Uint8Array, before: Uint8Array | undefined): void {
    if (path.endsWith(".sst")) this.tablesUploaded++;
    if (this.#deleted.has(path)) this.#landedLate.add(path);
    if (before !== undefined && Buffer.compare(before, bytes) !== 0) {
      this.#world.violations.add(`${path} was overwritten with other bytes.`);
    }
  }

  #retainedNow(): ReadonlySet<number> {
    const { storage } = this.#world.object({ kind: "coordinator" });
    return new Set(storage.exec<{ id: number }>("SELECT id FROM retained").map(({ id }) => id));
  }
}

function offsetsOf(sources: Retained["sources"]): ReadonlyMap<number, number> {
  return new Map(sources.map(({ source, offset }) => [source, offset]));
}

function leastOffsets(retained: readonly Retained[]): ReadonlyMap<number, number> {
  const least = new Map<number, number>();
  for (const { source, offset } of retained.flatMap(({ sources }) => sources)) {
    least.set(source, Math.min(offset, least.get(source) ?? offset));
  }
  return least;
}
