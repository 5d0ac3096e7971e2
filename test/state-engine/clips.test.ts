/**
 * Tables that several partitions inherit [16], and checkpoints that time has gone on from [15].
 */
import { describe, expect, test } from "vitest";
import { MemoryBlobStore, stateKey } from "../../state-engine/index.ts";
import type { PersistedState, StateEngine } from "../../state-engine/index.ts";
import type { KeyGroupRange } from "../../state-engine/version/table-reference.ts";
import { PLAIN_STATE, openEngine, testEnvironment } from "./engine-fixture.ts";

const LOW = { first: 0, last: 3 };
const HIGH = { first: 4, last: 7 };
const ALL = { first: 0, last: 7 };
const environment = testEnvironment();
const blobStore = new MemoryBlobStore(environment);

function open(
  keyGroups: KeyGroupRange,
  from?: Pick<PersistedState, "tables" | "sequence">,
): StateEngine {
  return openEngine({ environment, blobStore, keyGroups, ...(from && { from }) });
}

function keyIn(keyGroup: number, name = 0x61): Uint8Array {
  return stateKey(keyGroup, PLAIN_STATE, Uint8Array.of(name));
}

function put(engine: StateEngine, key: Uint8Array, value: number, expiresAt = Infinity): void {
  engine.put(key, 0, key.length, Uint8Array.of(value), 0, 1, expiresAt);
}

async function close(engine: StateEngine): Promise<PersistedState> {
  while (await engine.maintain());
  const state = await engine.persist(engine.freeze(), { mode: "incremental", inlineLimitBytes: 0 });
  engine.close();
  return state;
}

/** Both partitions' references in one, as a scale-in hands them over. */
function joined(
  low: PersistedState,
  high: PersistedState,
): Pick<PersistedState, "tables" | "sequence"> {
  return {
    tables: [...low.tables, ...high.tables],
    sequence: Math.max(low.sequence, high.sequence),
  };
}

async function contents(engine: StateEngine): Promise<(readonly [number, number])[]> {
  const { entries } = await engine.scan({});
  return entries.map(({ key, value }) => [key[1]!, value[0]!] as const);
}

/** A partition of all key groups with one key in each, split in two. */
async function split(): Promise<{ low: StateEngine; high: StateEngine }> {
  const engine = open(ALL);
  for (let keyGroup = 0; keyGroup < 8; keyGroup++) put(engine, keyIn(keyGroup), keyGroup);
  const state = await close(engine);
  return { low: open(LOW, state), high: open(HIGH, state) };
}

describe("[16] A clip", () => {
  test("a: stays with its reference, so that a key deleted in one half does not come back when the halves are joined", async () => {
    const { low, high } = await split();
    high.delete(keyIn(6), 0, keyIn(6).length);
    // Nothing is below: the deletion and what it deletes are compacted away.
    for (let round = 0; round < 4; round++) {
      put(high, keyIn(4), 10 + round);
      high.discard(high.freeze());
      while (await high.maintain());
    }
    const whole = open(ALL, joined(await close(low), await close(high)));
    expect(await whole.get(keyIn(6))).toBeUndefined();
    expect((await contents(whole)).map(([keyGroup]) => keyGroup)).toEqual([0, 1, 2, 3, 4, 5, 7]);
    while (await whole.maintain());
    expect(await whole.get(keyIn(6))).toBeUndefined();
  });

  test("b: cuts range deletes with an open end, so that they delete nothing of the other half", async () => {
    const { low, high } = await split();
    for (let round = 0; round < 50; round++) put(low, keyIn(0), round);
    low.deleteRange(keyIn(2), Uint8Array.of(0xff, 0xff, 0xff));
    expect(low.sequence).toBeGreaterThan(high.sequence);
    const whole = open(ALL, joined(await close(low), await close(high)));
    const wanted = [
      [0, 49],
      [1, 1],
      [4, 4],
      [5, 5],
      [6, 6],
      [7, 7],
    ];
    expect(await contents(whole)).toEqual(wanted);
    put(whole, keyIn(0), 49);
    whole.discard(whole.freeze());
    while (await whole.maintain());
    expect(await contents(whole)).toEqual(wanted);
  });
});

describe("[16] Joined partitions", () => {
  test("c: leave new writes above every inherited sequence", async () => {
    const { low, high } = await split();
    for (let round = 0; round < 50; round++) put(low, keyIn(0), round);
    const [lowState, highState] = [await close(low), await close(high)];
    // Even where the restore names the lower of the two sequences.
    const whole = open(ALL, { ...joined(lowState, highState), sequence: highState.sequence });
    expect(whole.sequence).toBe(lowState.sequence);
    put(whole, keyIn(0), 99);
    whole.deleteRange(keyIn(1), keyIn(3));
    const again = open(ALL, await close(whole));
    expect(await contents(again)).toEqual([
      [0, 99],
      [3, 3],
      [4, 4],
      [5, 5],
      [6, 6],
      [7, 7],
    ]);
  });

  test("d: tell tables of different partitions apart, and one table listed twice with different clips", async () => {
    const { low, high } = await split();
    put(low, keyIn(1), 11);
    put(high, keyIn(5), 15);
    const [lowState, highState] = [await close(low), await close(high)];
    const both = joined(lowState, highState);
    const shared = lowState.tables.filter(({ id }) =>
      highState.tables.some((other) => other.id === id),
    );
    expect(shared.length).toBeGreaterThan(0);
    const own = both.tables.filter(({ id }) => !shared.some((table) => table.id === id));
    expect(new Set(own.map(({ path }) => path)).size).toBe(own.length);
    const whole = open(ALL, both);
    expect(await contents(whole)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((group) => [group, group === 1 ? 11 : group === 5 ? 15 : group]),
    );
    const state = await close(whole);
    expect(await contents(open(ALL, state))).toHaveLength(8);
  });
});

describe("[15] A checkpoint", () => {
  test("holds what had not expired when it was frozen, however late it is flushed", async () => {
    const engine = open(ALL);
    engine.advanceTime(100);
    for (let keyGroup = 0; keyGroup < 6; keyGroup++) put(engine, keyIn(keyGroup), keyGroup, 150);
    const frozen = engine.freeze();
    engine.advanceTime(200);
    expect(await contents(engine)).toEqual([]);
    const state = await engine.persist(frozen, { mode: "incremental", inlineLimitBytes: 0 });
    const restored = open(ALL, state);
    restored.advanceTime(100);
    expect(await contents(restored)).toHaveLength(6);
    restored.advanceTime(150);
    expect(await contents(restored)).toEqual([]);
  });
});
