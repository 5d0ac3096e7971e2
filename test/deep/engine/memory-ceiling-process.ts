/**
 * The process whose memory memory-ceiling.ts measures: one engine that is written to, compacted, scanned and
 * checkpointed at once, over a folder; or no engine at all, with the same work. Started with --expose-gc and one
 * argument, a MemoryCeilingPlan as JSON; prints a MemoryCeilingResult as JSON, and to stderr how far it is.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderBlobStore } from "../../../cli/folder-blob-store.ts";
import type { BlobStore } from "../../../state-engine/blob-store/blob-store.ts";
import {
  SharedMemoryPool,
  StateEngine,
  StateEngineError,
  stateKey,
} from "../../../state-engine/index.ts";
import type { PersistedState, ScanPage } from "../../../state-engine/index.ts";
import { freeBytes } from "../../../state-engine/bytes/free.ts";
import { createNodeEnvironment } from "../../support/node-environment.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { MeasuredBlobStore, MemorySampler } from "./memory-sampler.ts";
import type { MemoryCeilingPlan, MemoryCeilingResult } from "./memory-ceiling.ts";
import { NoEngine } from "./no-engine.ts";
import type { WorkedEngine } from "./no-engine.ts";

const STATE = 1;
const BATCH_BYTES = 64 * 1024;
/** Written between two collections, with an engine and without: they take longer than the work itself. */
const LEAST_COLLECTION_BYTES = 512 * 1024;
const COLLECTIONS = 256;
/** Of the scans at the end, beside which nothing is written. */
const PAGES_PER_COLLECTION = 64;
const keyGroups = { first: 0, last: 63 };

const plan = JSON.parse(process.argv[2]!) as MemoryCeilingPlan;
const folder = await mkdtemp(join(tmpdir(), "weir-memory-"));
async function warmUp(): Promise<void> {
  const workload = new Workload({ ...plan, stateBytes: 1024 * 1024, hasEngine: true }, "warm-up");
  await workload.run(new MemorySampler());
  // What was being awaited is let go of only afterwards.
  await yieldToOthers();
}

/** First a small run, so that the code itself is not counted; then the one that counts. */
async function measure(): Promise<MemoryCeilingResult> {
  await warmUp();
  const sampler = new MemorySampler();
  const workload = new Workload(plan, "measured");
  await workload.run(sampler);
  return { ...workload.result(), ...sampler.result() };
}

class Workload {
  readonly #plan: MemoryCeilingPlan;
  readonly #folder: string;
  #random: SeededRandom;
  #engine: WorkedEngine | undefined;
  #written = 0;
  #entries = 0;
  #isWritten = false;
  #scanned = 0;
  #checkpoints = 0;
  #tableBytes = 0;
  /** Objects of the last two completed checkpoints; what falls out is deleted. */
  #retained: ReadonlySet<string>[] = [];

  constructor(runPlan: MemoryCeilingPlan, name: string) {
    this.#plan = runPlan;
    this.#folder = join(folder, name);
    this.#random = new SeededRandom(runPlan.seed);
  }

  async run(sampler: MemorySampler): Promise<void> {
    const blobStore = new MeasuredBlobStore(new FolderBlobStore(this.#folder), sampler);
    const engine = this.#plan.hasEngine ? this.#open(blobStore) : new NoEngine();
    this.#engine = engine;
    const work = [this.#write(sampler), this.#maintain(), this.#scan(false), this.#scan(true)];
    await Promise.all([...work, this.#checkpoint(blobStore, sampler)]);
    if (this.#plan.hasEngine) await this.#check(sampler);
    this.#tableBytes = engine.statistics().tableBytes;
    engine.close();
    this.#engine = undefined;
  }

  #open(blobStore: BlobStore): StateEngine {
    const random = new SeededRandom(this.#plan.seed + 1);
    const memory = new SharedMemoryPool(this.#plan.budgetBytes);
    let objects = 0;
    return StateEngine.open({
      environment: createNodeEnvironment({ now: () => 0, random, memory }),
      blobStore,
      keyGroups,
      tables: [],
      sequence: 0,
      mergeOperators: new Map(),
      uploads: { nextPath: () => `t/${objects++}.sst`, note: () => undefined },
    });
  }

  result(): Pick<MemoryCeilingResult, "entries" | "tableBytes" | "scanned" | "checkpoints"> {
    return {
      entries: this.#entries,
      tableBytes: this.#tableBytes,
      scanned: this.#scanned,
      checkpoints: this.#checkpoints,
    };
  }

  async #write(sampler: MemorySampler): Promise<void> {
    const engine = this.#engine!;
    const value = new Uint8Array(1_000);
    const { stateBytes } = this.#plan;
    const collectionBytes = Math.max(LEAST_COLLECTION_BYTES, stateBytes / COLLECTIONS);
    while (this.#written < stateBytes) {
      await engine.admit(BATCH_BYTES);
      for (let bytes = 0; bytes < BATCH_BYTES;) {
        const length = this.#random.between(100, 1_000);
        for (let index = 0; index < length; index += 4) {
          const word = this.#random.integer(2 ** 32);
          value[index] = word;
          value[index + 1] = word >>> 8;
          value[index + 2] = word >>> 16;
          value[index + 3] = word >>> 24;
        }
        const key = keyOf(this.#entries++);
        engine.put(key, 0, key.length, value, 0, length);
        bytes += key.length + length;
      }
      this.#written += BATCH_BYTES;
      if (this.#written % collectionBytes === 0) sampler.sampleLive();
      else sampler.sampleResident();
      await yieldToOthers();
    }
    this.#isWritten = true;
  }

  async #maintain(): Promise<void> {
    for (;;) {
      const hasMore = await this.#engine!.maintain();
      if (!hasMore && this.#isWritten) return;
      await yieldToOthers();
    }
  }

  /** From one end to the other, again and again, in pages between the writes. */
  async #scan(reverse: boolean): Promise<void> {
    let bounds: object = {};
    while (!this.#isWritten) {
      bounds = (await this.#scanPage(bounds, reverse)) ?? {};
      await yieldToOthers();
    }
  }

  /** Where the next page begins. A page that lost the race against a deletion is asked for again. */
  async #scanPage(bounds: object, reverse: boolean): Promise<object | undefined> {
    try {
      const page = await this.#engine!.scan({ ...bounds, reverse, limitBytes: 128 * 1024 });
      this.#scanned += page.entries.length;
      letGoOf(page);
      return page.next;
    } catch (error) {
      if (error instanceof StateEngineError && error.kind === "unavailable") return bounds;
      throw error;
    }
  }

  async #checkpoint(blobStore: BlobStore, sampler: MemorySampler): Promise<void> {
    while (!this.#isWritten) {
      const due = this.#written + this.#plan.checkpointBytes;
      while (this.#written < due && !this.#isWritten) await yieldToOthers();
      const engine = this.#engine!;
      const state = await engine.persist(engine.freeze(), {
        mode: "incremental",
        inlineLimitBytes: 20_480,
      });
      engine.confirm(state);
      this.#checkpoints++;
      this.#report(sampler);
      await this.#deleteGarbage(blobStore, state);
    }
  }

  #report(sampler: MemorySampler): void {
    const { levels, memtableBytes, cacheBytes, operations } = this.#engine!.statistics();
    const runs = levels.reduce((sum, level) => sum + level.runs, 0);
    const { bytesRead, bytesWritten, compactedBytes } = operations;
    const bytes = { written: this.#written, memtableBytes, cacheBytes };
    const work = { bytesRead, bytesWritten, compactedBytes, scanned: this.#scanned };
    const seconds = Math.round(performance.now() / 1_000);
    const progress = { seconds, ...bytes, ...work, runs, ...sampler.result() };
    process.stderr.write(`${JSON.stringify(progress)}\n`);
  }

  async #deleteGarbage(blobStore: BlobStore, state: PersistedState): Promise<void> {
    const live = new Set(state.tables.map(({ path }) => path));
    const uploads = state.uploads.map(({ path }) => path);
    this.#retained.push(new Set([...live, ...uploads]));
    if (this.#retained.length < 4) return;
    const kept = new Set(this.#retained.slice(1).flatMap((paths) => [...paths]));
    const dropped = [...this.#retained.shift()!].filter((path) => !kept.has(path));
    await blobStore.delete(dropped);
  }

  /** Every key is there once, in either direction. */
  async #check(sampler: MemorySampler): Promise<void> {
    let pages = 0;
    for (const reverse of [false, true]) {
      let count = 0;
      let bounds: object | undefined = {};
      while (bounds !== undefined) {
        const page = await this.#engine!.scan({ ...bounds, reverse, limitBytes: 128 * 1024 });
        count += page.entries.length;
        bounds = page.next;
        letGoOf(page);
        if (pages++ % PAGES_PER_COLLECTION === 0) sampler.sampleLive();
      }
      if (count !== this.#entries) {
        throw new Error(`The scan (reverse=${reverse}) found ${count} of ${this.#entries} keys.`);
      }
    }
  }
}

/** Keys come in no order: a bijection of the number. */
function keyOf(number: number): Uint8Array {
  const key = new Uint8Array(12);
  const view = new DataView(key.buffer);
  view.setUint32(0, Math.imul(number, 0x9e3779b1) >>> 0);
  view.setUint32(4, number);
  return stateKey(number & 63, STATE, key);
}

/** The page is the caller's, who is done with it: what it takes is not the engine's. */
function letGoOf({ entries: [first] }: ScanPage): void {
  if (first !== undefined) freeBytes(new Uint8Array(first.key.buffer));
}

function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

try {
  process.stdout.write(`${JSON.stringify(await measure())}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
