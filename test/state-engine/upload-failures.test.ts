/**
 * A store that fails in the middle of a persist, a spill or a compaction costs an attempt, never a table.
 */
import { describe, expect, test } from "vitest";
import { StateEngineError, stateKey } from "../../state-engine/index.ts";
import type { EngineTuning, PersistedState, StateEngine } from "../../state-engine/index.ts";
import { PLAIN_STATE, openEngine, testEnvironment } from "./engine-fixture.ts";
import { FailingBlobStore } from "./failing-blob-store.ts";
import type { Outcome } from "./failing-blob-store.ts";

const PERSIST = { mode: "incremental", inlineLimitBytes: 0 } as const;
const MEBIBYTE = 1024 * 1024;
const VALUE_BYTES = 64 * 1024;
/** Each memtable becomes a table of its own object. */
const LARGE: Partial<EngineTuning> = {
  memtableBytes: 1.5 * MEBIBYTE,
  compression: "none",
  compactionFanout: 100,
};
const KEYS = 96;

interface Subject {
  readonly blobStore: FailingBlobStore;
  readonly engine: StateEngine;
  readonly noted: string[];
}

function open(
  tuning: Partial<EngineTuning> = LARGE,
  limitBytes = 64 * MEBIBYTE,
  from?: PersistedState,
): Subject {
  const blobStore = new FailingBlobStore();
  const noted: string[] = [];
  const environment = testEnvironment(limitBytes);
  const engine = openEngine({ environment, blobStore, noted, tuning, ...(from && { from }) });
  return { blobStore, engine, noted };
}

function keyOf(index: number): Uint8Array {
  return stateKey(index % 8, PLAIN_STATE, Uint8Array.of(index >> 8, index));
}

function put(engine: StateEngine, index: number, byte = index): void {
  const key = keyOf(index);
  engine.put(key, 0, key.length, new Uint8Array(VALUE_BYTES).fill(byte), 0, VALUE_BYTES);
}

/** Two runs flushed before the checkpoint, the rest in memtables. */
async function fill({ engine }: Subject): Promise<void> {
  for (let index = 0; index < KEYS; index++) {
    put(engine, index);
    if (index < KEYS / 2) await engine.maintain();
  }
}

async function expectAll(engine: StateEngine): Promise<void> {
  for (let index = 0; index < KEYS; index++) {
    const value = await engine.get(keyOf(index));
    expect([index, value?.length, value?.[0]]).toEqual([index, VALUE_BYTES, index]);
  }
}

/** Nothing of the old engine is used: what was persisted is all there is. */
async function expectRestorable(subject: Subject, persisted: PersistedState): Promise<void> {
  const { blobStore } = subject;
  blobStore.onPut = () => "done";
  const restored = openEngine({ environment: testEnvironment(), blobStore, from: persisted });
  await expectAll(restored);
  const named = new Set(persisted.tables.map(({ path }) => path));
  const handedOver = new Set(persisted.uploads.map(({ path }) => path));
  // Every object is in somebody's hands: noted before its put, and named or handed over for deletion.
  for (const { path } of await blobStore.list("")) {
    expect(subject.noted).toContain(path);
    expect([path, named.has(path) || handedOver.has(path)]).toEqual([path, true]);
  }
  for (const path of named) expect(handedOver).toContain(path);
}

describe("A persist over a failing store", () => {
  test.for(["lost", "unanswered"] as const)(
    "repeats one put that was %s, at the same path",
    async (outcome) => {
      const subject = open();
      await fill(subject);
      subject.blobStore.onPut = (_path, count) => (count === 2 ? outcome : "done");
      const persisted = await subject.engine.persist(subject.engine.freeze(), PERSIST);
      const { puts } = subject.blobStore;
      expect(puts[2]).toBe(puts[1]);
      expect(new Set(puts).size).toBe(puts.length - 1);
      await expectRestorable(subject, persisted);
    },
  );

  const cases = [1, 2, 3].flatMap((first) =>
    (["lost", "unanswered"] as const).map((outcome) => ({ first, outcome })),
  );

  test.for(cases)(
    "reports puts that are $outcome from number $first on, and persists the same state again",
    async ({ first, outcome }) => {
      const subject = open();
      const { engine, blobStore } = subject;
      await fill(subject);
      const frozen = engine.freeze();
      blobStore.onPut = failingFrom(first, outcome);
      await expect(engine.persist(frozen, PERSIST)).rejects.toMatchObject({ kind: "unavailable" });
      await expectAll(engine);
      blobStore.onPut = () => "done";
      const persisted = await engine.persist(frozen, PERSIST);
      // What was there already is not put again.
      expect(new Set(blobStore.puts).size).toBe(persisted.tables.length + 1);
      await expectRestorable(subject, persisted);
    },
  );

  test.for(cases)(
    "loses nothing when the state is given up after puts were $outcome from number $first on",
    async ({ first, outcome }) => {
      const subject = open({ ...LARGE, compactionFanout: 2 });
      const { engine, blobStore } = subject;
      await fill(subject);
      const frozen = engine.freeze();
      blobStore.onPut = failingFrom(first, outcome);
      await expect(engine.persist(frozen, PERSIST)).rejects.toMatchObject({ kind: "unavailable" });
      engine.discard(frozen);
      blobStore.onPut = () => "done";
      while (await engine.maintain());
      const persisted = await engine.persist(engine.freeze(), PERSIST);
      await expectAll(engine);
      await expectRestorable(subject, persisted);
    },
  );
});

describe("A spill over a failing store", () => {
  test("leaves the tables in memory and is done later", async () => {
    const subject = open(LARGE, 3 * MEBIBYTE);
    const { engine, blobStore } = subject;
    blobStore.onPut = () => "lost";
    let failures = 0;
    for (let index = 0; index < KEYS; index++) {
      put(engine, index);
      await engine.maintain().catch((error: unknown) => {
        assertUnavailable(error);
        failures++;
      });
    }
    expect(failures).toBeGreaterThan(10);
    await expectAll(engine);
    await expect(engine.admit(MEBIBYTE)).rejects.toMatchObject({ kind: "unavailable" });
    blobStore.onPut = () => "done";
    await engine.admit(MEBIBYTE);
    expect(engine.usedBytes).toBeLessThan(3 * MEBIBYTE);
    const persisted = await engine.persist(engine.freeze(), PERSIST);
    await expectRestorable(subject, persisted);
  });
});

describe("A compaction", () => {
  /** 3 MiB of memory, so that inputs have to be read. */
  const tuning = { ...LARGE, memtableBytes: 0.5 * MEBIBYTE, compactionFanout: 4 };

  test("over a store that fails now and then goes on where it was", async () => {
    const calm = open(tuning, 3 * MEBIBYTE);
    const troubled = open(tuning, 3 * MEBIBYTE);
    let failures = 0;
    troubled.blobStore.onRead = (count) => (count % 12 < 6 ? "lost" : "done");
    for (const subject of [calm, troubled]) {
      for (let index = 0; index < KEYS; index++) {
        put(subject.engine, index);
        for (let hasMore = true; hasMore;) {
          hasMore = await subject.engine.maintain().catch((error: unknown) => {
            assertUnavailable(error);
            failures++;
            return true;
          });
        }
      }
    }
    expect(failures).toBeGreaterThan(5);
    troubled.blobStore.onRead = () => "done";
    const { operations } = troubled.engine.statistics();
    const expected = calm.engine.statistics().operations;
    // Not begun anew: the same work, the same objects.
    expect(operations.compactions).toBe(expected.compactions);
    expect(operations.compactedBytes).toBe(expected.compactedBytes);
    expect(operations.puts).toBeLessThanOrEqual(expected.puts);
    await expectAll(troubled.engine);
  });

  test("that ends with its object's memory leaves only noted objects behind, and is done again", async () => {
    const subject = open(tuning, 3 * MEBIBYTE);
    const { engine, blobStore, noted } = subject;
    for (let index = 0; index < KEYS; index++) put(engine, index);
    const persisted = await engine.persist(engine.freeze(), PERSIST);
    engine.confirm(persisted);
    const confirmed = new Set(persisted.tables.map(({ path }) => path));
    const before = blobStore.puts.length;
    // Into the middle of a compaction that has written some of its output already.
    while (blobStore.puts.length < before + 2 && (await engine.maintain()));
    engine.close();
    const left = (await blobStore.list("")).map(({ path }) => path);
    for (const path of left) expect([path, noted.includes(path)]).toEqual([path, true]);
    // What the next owner of the notes does: delete what no confirmed checkpoint names [3].
    await blobStore.delete(noted.filter((path) => !confirmed.has(path)));
    const restored = openEngine({
      environment: testEnvironment(3 * MEBIBYTE),
      blobStore,
      from: persisted,
      tuning,
      noted,
      prefix: "again",
    });
    while (await restored.maintain());
    await expectAll(restored);
    const again = await restored.persist(restored.freeze(), PERSIST);
    await expectRestorable(
      { blobStore, engine: restored, noted },
      { ...again, uploads: again.tables },
    );
  });
});

/** Both attempts of the put number `first` and all later ones fail; objects are counted, not attempts. */
function failingFrom(first: number, outcome: Outcome): (path: string) => Outcome {
  const seen = new Set<string>();
  return (path) => (seen.add(path).size < first ? "done" : outcome);
}

function assertUnavailable(error: unknown): void {
  if (!(error instanceof StateEngineError) || error.kind !== "unavailable") throw error;
}
