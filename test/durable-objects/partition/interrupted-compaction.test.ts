/**
 * A partition that loses its memory again and again in the middle of a compaction, counted in what it puts
 * into the bucket: what was finished for a checkpoint is neither written nor merged again, also when no
 * attempt lives for longer than one checkpoint. Each also without its rule.
 */
import assert from "node:assert/strict";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { Maintenance } from "../../../durable-objects/partition/maintenance.ts";
import { compareKeys } from "../../../state-engine/bytes/compare.ts";
import type * as module from "../../../state-engine/compaction/compaction.ts";
import { StateEngine } from "../../../state-engine/index.ts";
import { keyGroupStart } from "../../../state-engine/state/state-key.ts";
import { patched } from "../../simulation/mutants/mutant.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { PartitionHarness } from "./partition-harness.ts";

/** Tables and memtables are cut at 64 KiB: merged, the state is ten tables, which do not fit. */
const MEMORY_BYTES = 128 * 1024;
const KEYS = 20_000;
const KEYS_PER_FRAME = 1_000;
/** More than a quiet interval changes, so that everything is merged. */
const CHANGED = 1_000;

const rule = vi.hoisted(() => ({ isKept: true }));

/** Without the rule nothing takes over before the whole compaction is done. */
vi.mock(import("../../../state-engine/compaction/compaction.ts"), async (importOriginal) => {
  const { Compaction } = await importOriginal();
  class Withheld extends Compaction {
    constructor(options: module.CompactionOptions) {
      const end = keyGroupStart(options.keyGroups.last + 1);
      const isShown = (until: Uint8Array): boolean => rule.isKept || compareKeys(until, end) === 0;
      super({
        ...options,
        finished: (table, until) =>
          options.finished(table, until && isShown(until) ? until : undefined),
      });
    }
  }
  return { Compaction: Withheld };
});

afterEach(() => void (rule.isKept = true));

/** Lets engines do so many slices of background work, and no more until it is asked again. */
class Slices {
  #left = Infinity;
  #newest: Promise<boolean> | undefined;
  readonly restore: () => void;

  constructor() {
    const take = (work: () => Promise<boolean>): Promise<boolean> => this.#take(work);
    this.restore = patched(StateEngine.prototype, "maintain", ({ value }) => ({
      value(this: StateEngine) {
        return take(() => (value as () => Promise<boolean>).call(this));
      },
    }));
  }

  allow(slices: number): void {
    this.#left = slices;
    this.#newest = undefined;
  }

  /** Resolves when as many were done, or there is nothing left to do. */
  async done(clock: ManualClock): Promise<void> {
    let seen: Promise<boolean> | undefined;
    do {
      seen = this.#newest;
      await seen;
      await clock.advance(0);
    } while (this.#newest !== seen);
  }

  #take(work: () => Promise<boolean>): Promise<boolean> {
    if (this.#left === 0) return new Promise(() => {});
    this.#left -= 1;
    this.#newest = work();
    return this.#newest;
  }
}

/** One attempt after the other of a partition whose state is in several runs. */
class Lifetimes {
  readonly harness = new PartitionHarness({ memoryBytes: MEMORY_BYTES });
  readonly slices = new Slices();
  readonly #keys: readonly string[];
  readonly #counts = new Map<string, number>();
  #line = 0;
  #checkpoint = 0;
  #loadedBytes = 0;

  constructor() {
    const random = new SeededRandom(7);
    const part = (): string => random.hexadecimalId();
    onTestFinished(this.slices.restore);
    this.#keys = Array.from({ length: KEYS }, () => `${part()}${part()}${part()}`);
  }

  /** Bytes put since everything was loaded. */
  get putBytes(): number {
    return this.harness.blobStore.putBytes - this.#loadedBytes;
  }

  /** Where the unfinished compaction of the completed checkpoint goes on; undefined when there is none. */
  get goesOnFrom(): string | undefined {
    return this.harness.restored.tables.find(({ fromKey }) => fromKey !== undefined)?.fromKey;
  }

  async load(): Promise<void> {
    await this.harness.open();
    for (let from = 0; from < KEYS; from += KEYS_PER_FRAME) await this.add(from, KEYS_PER_FRAME);
    await this.complete();
    this.#loadedBytes = this.harness.blobStore.putBytes;
  }

  /** One more of each of these keys. */
  async add(first: number, count: number): Promise<void> {
    const keys = this.#keys.slice(first, first + count);
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    const from = this.#line;
    this.#line += count;
    const counts = Object.fromEntries(keys.map((key) => [key, 1]));
    const answer = await this.harness.frame([from, this.#line], counts);
    assert.equal(answer.kind, "done");
  }

  /** A lifetime: restores, is brought some lines, works for some slices, and completes a checkpoint. */
  async live(first: number, count: number, slices: number): Promise<void> {
    this.harness.restart();
    await this.harness.open();
    this.slices.allow(slices);
    await this.add(first, count);
    await this.slices.done(this.harness.context.clock);
    await this.complete();
  }

  async complete(): Promise<void> {
    this.#checkpoint += 1;
    const answer = await this.harness.barrier(this.#checkpoint, this.#line);
    assert.equal(answer.kind, "done");
    await this.harness.complete(this.#checkpoint, [this.#line]);
  }

  /** What some keys are counted as, and what they should be. */
  async counted(): Promise<{ counts: unknown[]; wanted: unknown[] }> {
    const keys = this.#keys.filter((_key, index) => index % 397 < 2);
    const counts: unknown[] = [];
    for (const key of keys) counts.push(await this.harness.count(key));
    return { counts, wanted: keys.map((key) => this.#counts.get(key)) };
  }
}

/**
 * Bytes put by three lifetimes that change the same keys and do some slices of work each, and by a fourth that
 * does all that is left. No one of the three comes to the end of a compaction by itself.
 */
async function putBytes(slices: number): Promise<number> {
  const lifetimes = new Lifetimes();
  await lifetimes.load();
  for (let loss = 0; loss < 3; loss++) await lifetimes.live(0, CHANGED, slices);
  await lifetimes.live(0, CHANGED, Infinity);
  expect(lifetimes.goesOnFrom).toBeUndefined();
  const { counts, wanted } = await lifetimes.counted();
  expect(counts).toEqual(wanted);
  return lifetimes.putBytes;
}

it("[RS6] puts no more when memory is lost three times in a compaction than when it is not, and twice as much where finished tables do not take over", async () => {
  const undisturbed = await putBytes(0);
  const kept = await putBytes(3);
  rule.isKept = false;
  const without = await putBytes(3);
  expect(kept).toBeLessThan(undisturbed * 1.1);
  expect(without).toBeGreaterThan(undisturbed * 1.8);
});

describe("A partition of which no attempt lives for longer than one checkpoint", () => {
  /** Where the compaction goes on after each of some lifetimes, with one line and one slice in each. */
  async function places(lifetimes: Lifetimes, most: number): Promise<readonly string[]> {
    const passed: string[] = [];
    while (lifetimes.goesOnFrom !== undefined && passed.length < most) {
      passed.push(lifetimes.goesOnFrom);
      await lifetimes.live(passed.length, 1, 1);
    }
    return passed;
  }

  async function begun(): Promise<Lifetimes> {
    const lifetimes = new Lifetimes();
    await lifetimes.load();
    await lifetimes.live(0, CHANGED, 2);
    expect(lifetimes.goesOnFrom).toBeDefined();
    return lifetimes;
  }

  it("[RS6] comes further with a compaction in each, and to its end", async () => {
    const lifetimes = await begun();
    const passed = await places(lifetimes, 30);
    expect(lifetimes.goesOnFrom).toBeUndefined();
    expect(passed.length).toBeGreaterThan(3);
    expect(passed).toEqual([...new Set(passed)].sort());
    const { counts, wanted } = await lifetimes.counted();
    expect(counts).toEqual(wanted);
  });

  it("[RS5] does nothing about it until a line comes", async () => {
    const { harness, slices } = await begun();
    const { operations } = harness.blobStore;
    const before = operations.length;
    slices.allow(Infinity);
    harness.restart();
    await harness.open();
    await slices.done(harness.context.clock);
    expect(operations.slice(before)).toEqual([]);
    expect(harness.context.pendingTimers).toBe(0);
    expect(harness.context.alarm.get()).toBeUndefined();
  });

  it("stays where it is if maintenance waits for the first acknowledgement", async () => {
    const lifetimes = await begun();
    const restore = patched(Maintenance.prototype, "beginOnce", () => ({ value: () => {} }));
    const passed = await places(lifetimes, 8).finally(restore);
    expect(passed).toHaveLength(8);
    expect(new Set(passed).size).toBe(1);
  });
});
