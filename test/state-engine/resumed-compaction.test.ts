/**
 * A compaction whose engine loses its memory goes on from the last table that a checkpoint took: whatever
 * it is interrupted by, the state is the same and no finished table is written again.
 */
import assert from "node:assert/strict";
import { describe, expect, test } from "vitest";
import {
  MemoryBlobStore,
  encodeInt64,
  encodeManifest,
  openReadOnly,
  planManifest,
  resolveChain,
  stateKey,
  verifyVersion,
} from "../../state-engine/index.ts";
import type { Manifest, PreviousManifest, StateEngine } from "../../state-engine/index.ts";
import type { KeyGroupRange, TableReference } from "../../state-engine/version/table-reference.ts";
import { BOTTOM_LEVEL } from "../../state-engine/version/version.ts";
import {
  COUNT_STATE,
  PLAIN_STATE,
  mergeOperators,
  openEngine,
  testEnvironment,
} from "./engine-fixture.ts";

const ALL = { first: 0, last: 7 };
const KEYS = 240;
/** Written with the same value again where a checkpoint needs something that changed. */
const UNTOUCHED = 1;
const PERSIST = { mode: "incremental" as const, inlineLimitBytes: 0 };

interface From {
  readonly tables: readonly TableReference[];
  readonly sequence: number;
}
type Contents = (readonly [string, string])[];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Every third one counts. */
function keyAt(index: number): Uint8Array {
  const state = index % 3 === 0 ? COUNT_STATE : PLAIN_STATE;
  return stateKey(index >> 5, state, Uint8Array.of(0x61, index));
}

async function contents(engine: Pick<StateEngine, "scan">): Promise<Contents> {
  const { entries } = await engine.scan({});
  return entries.map(({ key, value }) => [hex(key), hex(value)] as const);
}

/** One store, and one engine at a time, opened at what the chain of manifests says. */
class Lifetimes {
  readonly environment = testEnvironment();
  readonly blobStore = new MemoryBlobStore(this.environment);
  readonly noted: string[] = [];
  readonly manifests: Manifest[] = [];
  engine: StateEngine = this.open({ tables: [], sequence: 0 });
  completed: From = { tables: [], sequence: 0 };
  /** Of lifetimes that are over. */
  compactedBytes = 0;
  #previous: PreviousManifest | undefined;

  open(from: From, keyGroups: KeyGroupRange = ALL): StateEngine {
    const { environment, blobStore, noted } = this;
    return openEngine({ environment, blobStore, from, keyGroups, noted });
  }

  /** Adds to a count, replaces another value. */
  write(index: number, value: number): void {
    const key = keyAt(index);
    if (index % 3 === 0) this.engine.merge(key, 0, key.length, encodeInt64(value), 0, 1);
    else this.engine.put(key, 0, key.length, Uint8Array.of(value, index), 0, 2);
  }

  async checkpoint(): Promise<void> {
    const persisted = await this.engine.persist(this.engine.freeze(), PERSIST);
    this.engine.confirm(persisted);
    const { tables, sequence } = persisted;
    const id = this.manifests.length + 1;
    const place = { vertex: "v", index: 0, keyGroups: ALL, time: 0, watermarks: {} };
    const partitions = [{ ...place, tables, sequence }];
    const previous = this.#previous;
    const header = { id, kind: "checkpoint" as const, job: "j", generation: 1, nonce: `${id}` };
    const rest = { triggeredAt: id, maxParallelism: 8, sources: [], partitions, previous };
    const { manifest, fullTables, deltaTables } = planManifest({ ...header, ...rest });
    const path = `chk-${id}/manifest.json`;
    await this.blobStore.put(path, encodeManifest(manifest, this.environment));
    const resolved = await resolveChain(this.blobStore, path, this.environment);
    assert.deepEqual(resolved.partitions.flatMap(verifyVersion), []);
    this.completed = resolved.partitions[0]!;
    this.manifests.push(manifest);
    this.#previous = { id, path, chain: manifest.chain, fullTables, deltaTables, partitions };
  }

  /** The present engine is gone; another one opens the last checkpoint. */
  lose(): void {
    this.compactedBytes += this.engine.statistics().operations.compactedBytes;
    this.engine.close();
    this.engine = this.open(this.completed);
  }

  /** Works until one more table is finished; answers whether its compaction is done with it. */
  async finishTable(): Promise<boolean> {
    const before = this.engine.statistics().operations.compactedBytes;
    for (;;) {
      const hasMore = await this.engine.maintain();
      const { compactedBytes, compactions } = this.engine.statistics().operations;
      if (compactions > 0) return true;
      if (compactedBytes > before) return false;
      if (!hasMore) throw new Error("There was nothing to compact.");
    }
  }
}

/**
 * A bottom run of all keys and four tiers above it: half of the keys changed, some deleted, one by one and
 * in a range. In a quiet interval the tiers are merged by themselves, otherwise with the bottom.
 */
async function loaded(isQuiet: boolean): Promise<{ lifetimes: Lifetimes; wanted: Contents }> {
  const lifetimes = new Lifetimes();
  for (let index = 0; index < KEYS; index++) lifetimes.write(index, 1);
  while (await lifetimes.engine.maintain());
  await lifetimes.checkpoint();
  const { engine } = lifetimes;
  for (let round = 0; round < 4; round++) {
    for (let index = round * 2; index < KEYS; index += 8) lifetimes.write(index, 2 + round);
    if (round === 1) engine.delete(keyAt(5), 0, keyAt(5).length);
    if (round === 2) engine.deleteRange(keyAt(20), keyAt(70));
    for (const index of [100, 101, 102]) lifetimes.write(index, 9);
    if (isQuiet) engine.discard(engine.freeze());
    await engine.maintain();
  }
  return { lifetimes, wanted: await contents(engine) };
}

const cases = [
  { what: "tiers into one of the next level", isQuiet: true, level: 1 },
  { what: "all tiers into the bottom run", isQuiet: false, level: BOTTOM_LEVEL },
];

describe.each(cases)("A compaction of $what", ({ isQuiet, level }) => {
  test("[RS6] that loses its memory after each table comes to its end, having written each table once, and shows the same all the while", async () => {
    const whole = (await loaded(isQuiet)).lifetimes;
    while (!(await whole.finishTable()));
    const { lifetimes, wanted } = await loaded(isQuiet);
    let losses = 0;
    while (!(await lifetimes.finishTable())) {
      expect(await contents(lifetimes.engine)).toEqual(wanted);
      // A checkpoint is taken when something was written.
      lifetimes.write(UNTOUCHED, 1);
      await lifetimes.checkpoint();
      lifetimes.lose();
      expect(await contents(lifetimes.engine)).toEqual(wanted);
      expect(++losses).toBeLessThan(100);
    }
    expect(losses).toBeGreaterThan(4);
    expect(await contents(lifetimes.engine)).toEqual(wanted);
    const levels = lifetimes.engine.statistics().levels.map((each) => each.level);
    expect(levels).toContain(level);
    lifetimes.lose();
    const { compactedBytes } = whole.engine.statistics().operations;
    expect(lifetimes.compactedBytes).toBeGreaterThan(compactedBytes * 0.95);
    expect(lifetimes.compactedBytes).toBeLessThan(compactedBytes * 1.05);
  });

  test("that is never finished leaves nothing twice in the checkpoints: what is merged is listed from a key on, as moved", async () => {
    const { lifetimes } = await loaded(isQuiet);
    for (let table = 0; table < 4; table++) {
      expect(await lifetimes.finishTable()).toBe(false);
      lifetimes.write(UNTOUCHED, 1);
      await lifetimes.checkpoint();
    }
    const known = new Set<string>();
    for (const { formatVersion, parent, partitions } of lifetimes.manifests) {
      for (const { added, moved } of partitions) {
        const ids = added.map(({ id }) => id);
        const repeated = ids.filter((id) => parent !== null && known.has(id));
        expect(repeated).toEqual([]);
        for (const id of ids) known.add(id);
        const narrowed = [...added, ...moved].filter(({ fromKey }) => fromKey !== undefined);
        expect(formatVersion).toBe(narrowed.length > 0 ? 2 : 1);
      }
    }
    expect(lifetimes.manifests.at(-1)!.formatVersion).toBe(2);
    const narrowed = lifetimes.completed.tables.filter(({ fromKey }) => fromKey !== undefined);
    expect(narrowed.length).toBeGreaterThan(2);
    // One who does not know the key would see what was merged a second time: it is refused.
    expect(new Set(narrowed.map(({ formatVersion }) => formatVersion))).toEqual(new Set([2]));
    const forgetful = narrowed.map(({ fromKey: _unknown, ...table }) => table);
    expect(() => lifetimes.open({ ...lifetimes.completed, tables: forgetful })).toThrow(
      "has a format this code does not know",
    );
  });
});

describe.each(cases)("An unfinished compaction of $what", ({ isQuiet }) => {
  test("[RS6] is read from a checkpoint in its middle as the engine reads it, key by key and in one scan", async () => {
    const { lifetimes, wanted } = await loaded(isQuiet);
    for (let table = 0; table < 5; table++) await lifetimes.finishTable();
    lifetimes.write(UNTOUCHED, 1);
    await lifetimes.checkpoint();
    const { environment, blobStore, completed } = lifetimes;
    const places = { environment, blobStore, keyGroups: ALL, mergeOperators };
    const checkpoint = openReadOnly({ ...places, tables: completed.tables });
    expect(await contents(checkpoint)).toEqual(wanted);
    const keys = Array.from({ length: KEYS }, (_, index) => keyAt(index));
    const values = await checkpoint.getMany(keys);
    const found = values.flatMap((value, index) =>
      value ? [[hex(keys[index]!), hex(value)]] : [],
    );
    expect(found.sort(([left], [right]) => (left! < right! ? -1 : 1))).toEqual(wanted);
    const { entries } = await checkpoint.scan({ reverse: true });
    expect(entries.map(({ key }) => hex(key)).reverse()).toEqual(wanted.map(([key]) => key));
  });

  test("may be cut by a rescale anywhere: both halves go on by themselves, and together again they show the same", async () => {
    const { lifetimes, wanted } = await loaded(isQuiet);
    const states: From[] = [];
    while (!(await lifetimes.finishTable())) {
      lifetimes.write(UNTOUCHED, 1);
      await lifetimes.checkpoint();
      states.push(lifetimes.completed);
    }
    for (const [index, state] of states.entries()) {
      const cut = 1 + (index % 6);
      const halves: From[] = [];
      for (const keyGroups of [
        { first: 0, last: cut - 1 },
        { first: cut, last: 7 },
      ]) {
        const half = lifetimes.open(state, keyGroups);
        const key = stateKey(keyGroups.first, PLAIN_STATE, Uint8Array.of(0x60, index));
        half.put(key, 0, key.length, key, 0, 2);
        half.delete(key, 0, key.length);
        for (let slice = 0; slice < index % 4; slice++) await half.maintain();
        halves.push(await half.persist(half.freeze(), PERSIST));
        half.close();
      }
      const tables = halves.flatMap((half) => half.tables);
      const sequence = Math.max(...halves.map((half) => half.sequence));
      const joined = lifetimes.open({ tables, sequence });
      expect(await contents(joined)).toEqual(wanted);
      while (await joined.maintain());
      expect(await contents(joined)).toEqual(wanted);
    }
  });
});
