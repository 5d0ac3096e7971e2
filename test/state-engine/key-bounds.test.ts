/**
 * Bounds that are too long for a reference: shortened, they still say enough, and tables that were cut
 * within one long prefix are found, ordered and verified all the same.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MemoryBlobStore,
  prefixEnd,
  stateKey,
  verifyTable,
  verifyVersion,
} from "../../state-engine/index.ts";
import type { PersistedState, StateEngine } from "../../state-engine/index.ts";
import { compareKeys } from "../../state-engine/bytes/compare.ts";
import { DEFAULT_TUNING } from "../../state-engine/options.ts";
import { areShortenedFrom, shortenBounds } from "../../state-engine/version/key-bounds.ts";
import type { TableReference } from "../../state-engine/version/table-reference.ts";
import { BOTTOM_LEVEL } from "../../state-engine/version/version.ts";
import { PLAIN_STATE, TINY, openEngine, testEnvironment } from "./engine-fixture.ts";

const bytes = fc.array(fc.constantFrom(0, 0x61, 0xfe, 0xff), { maxLength: 12 });
const key = bytes.map((each) => Uint8Array.from(each));

describe("Shortened bounds", () => {
  test("are no longer than the limit, hold every key between the exact ones, and are these when they are short", () => {
    const property = fc.property(key, key, fc.integer({ min: 4, max: 8 }), (one, other, limit) => {
      const [smallestKey, largestKey] = compareKeys(one, other) <= 0 ? [one, other] : [other, one];
      const exact = { smallestKey, largestKey };
      const bounds = shortenBounds(exact, limit);
      expect(compareKeys(bounds.smallestKey, smallestKey)).toBeLessThanOrEqual(0);
      expect(compareKeys(bounds.largestKey, largestKey)).toBeGreaterThanOrEqual(0);
      expect(bounds.smallestKey.length).toBeLessThanOrEqual(limit);
      // Nothing is above FF bytes alone: that bound stays as long as it is.
      const isEndless = largestKey.subarray(0, limit).every((byte) => byte === 0xff);
      expect(bounds.largestKey.length).toBeLessThanOrEqual(isEndless ? 12 : limit);
      const isShort = smallestKey.length <= limit && largestKey.length <= limit;
      expect(bounds === exact).toBe(isShort);
      expect(areShortenedFrom(bounds, exact)).toBe(true);
    });
    fc.assert(property, { numRuns: 2_000 });
  });

  test("are told from bounds of other keys", () => {
    const exact = { smallestKey: Uint8Array.of(1, 2, 3), largestKey: Uint8Array.of(5, 6, 7) };
    const differing = [
      { ...exact, smallestKey: Uint8Array.of(1, 3) },
      { ...exact, smallestKey: Uint8Array.of(1, 2, 3, 0) },
      { ...exact, largestKey: Uint8Array.of(5, 6) },
      { ...exact, largestKey: Uint8Array.of(5, 8) },
      { ...exact, largestKey: Uint8Array.of(5, 6, 7, 1) },
      { ...exact, largestKey: Uint8Array.of(6, 7) },
    ];
    expect(differing.map((bounds) => areShortenedFrom(bounds, exact))).toEqual(
      differing.map(() => false),
    );
  });
});

const KEY_GROUPS = { first: 0, last: 7 };
const PREFIX_BYTES = 300;
const NUMBERS = 120;
const environment = testEnvironment();
const blobStore = new MemoryBlobStore(environment);

function open(from?: Pick<PersistedState, "tables" | "sequence">): StateEngine {
  const tuning = { ...TINY, blockBytes: 100, tableBytes: 200, memtableEntries: 16 };
  return openEngine({
    environment,
    blobStore,
    keyGroups: KEY_GROUPS,
    tuning,
    ...(from && { from }),
  });
}

/** Keys of a length far above the limit that differ only behind it. */
function longKey(keyGroup: number, number: number): Uint8Array {
  const name = new Uint8Array(PREFIX_BYTES + 2).fill(0x61);
  name.set([number >> 8, number & 0xff], PREFIX_BYTES);
  return stateKey(keyGroup, PLAIN_STATE, name);
}

/** Even numbers in two key groups. */
async function written(): Promise<PersistedState> {
  const engine = open();
  for (let number = 0; number < NUMBERS; number += 2) {
    for (const keyGroup of [2, 5]) {
      const key = longKey(keyGroup, number);
      engine.put(key, 0, key.length, key, PREFIX_BYTES + 4, 2);
    }
    while (await engine.maintain());
  }
  const state = await engine.persist(engine.freeze(), { mode: "incremental", inlineLimitBytes: 0 });
  engine.close();
  return state;
}

/** Those of one run. */
function shared(tables: readonly TableReference[]): readonly TableReference[] {
  const prefix = Buffer.from(longKey(2, 0).subarray(0, DEFAULT_TUNING.boundBytes)).toString("hex");
  return tables.filter(
    ({ level, smallestKey }) => level === BOTTOM_LEVEL && smallestKey === prefix,
  );
}

describe("Tables cut within a prefix longer than a bound", () => {
  test("[CK12] have short references that share it, and are read in whatever order they are listed", async () => {
    const state = await written();
    expect(shared(state.tables).length).toBeGreaterThan(4);
    for (const { smallestKey, largestKey } of state.tables) {
      expect(smallestKey.length).toBeLessThanOrEqual(2 * DEFAULT_TUNING.boundBytes);
      expect(largestKey.length).toBeLessThanOrEqual(2 * DEFAULT_TUNING.boundBytes);
    }
    const reversed = { ...state, tables: state.tables.toReversed() };
    const wanted = Array.from({ length: NUMBERS / 2 }, (_, index) => index * 2);
    for (let number = 0; number < NUMBERS; number++) {
      const engine = open(reversed);
      const key = longKey(2, number);
      // Nothing of any table is resident: each tail that decides has to be loaded first.
      const found = await engine.get(key);
      expect(found && (found[0]! << 8) | found[1]!).toBe(number % 2 === 0 ? number : undefined);
      engine.close();
    }
    const engine = open(reversed);
    for (const reverse of [false, true]) {
      const prefix = longKey(2, 0).subarray(0, PREFIX_BYTES);
      const { entries } = await engine.scan({ start: prefix, end: prefixEnd(prefix), reverse });
      const numbers = entries.map(({ value }) => (value[0]! << 8) | value[1]!);
      expect(reverse ? numbers.toReversed() : numbers).toEqual(wanted);
    }
  });
});

describe("Partitions that inherit such tables", () => {
  test("see them clipped, joined again, merged with what is newer, and without what a deleted range covers", async () => {
    const state = await written();
    const half = (first: number, last: number): StateEngine =>
      openEngine({ environment, blobStore, keyGroups: { first, last }, from: state });
    const parts: PersistedState[] = [];
    for (const engine of [half(0, 3), half(4, 7)]) {
      engine.deleteRange(longKey(5, 11), longKey(5, 51));
      const options = { mode: "incremental", inlineLimitBytes: 0 } as const;
      parts.push(await engine.persist(engine.freeze(), options));
      engine.close();
    }
    const tables = parts.flatMap((part) => part.tables);
    const engine = open({ tables, sequence: Math.max(...parts.map(({ sequence }) => sequence)) });
    const numbersOf = async (keyGroup: number): Promise<number[]> => {
      const found: number[] = [];
      for (let number = 0; number < NUMBERS; number++) {
        if ((await engine.get(longKey(keyGroup, number))) !== undefined) found.push(number);
      }
      return found;
    };
    const all = Array.from({ length: NUMBERS / 2 }, (_, index) => index * 2);
    const left = all.filter((number) => number < 11 || number >= 51);
    expect([await numbersOf(2), await numbersOf(5)]).toEqual([all, left]);
    engine.deleteRange(longKey(2, 3), longKey(2, 6));
    engine.discard(engine.freeze());
    while (await engine.maintain());
    expect(await numbersOf(2)).toEqual(all.filter((number) => number !== 4));
  });
});

describe("A checkpoint with such tables", () => {
  test("is sound, and is found out when bounds are not the table's own or the order is another", async () => {
    const { tables, sequence } = await written();
    const partition = {
      vertex: "v",
      index: 0,
      keyGroups: KEY_GROUPS,
      tables,
      sequence,
      time: 0,
      watermarks: {},
    };
    expect(verifyVersion(partition)).toEqual([]);
    for (const table of tables) {
      const stored = await blobStore.getRange(table.path, table.offset, table.size);
      expect(verifyTable(stored!, table, environment)).toEqual([]);
    }
    const [table, other] = shared(tables);
    const stored = (await blobStore.getRange(table!.path, table!.offset, table!.size))!;
    const tooLow = { ...table!, largestKey: table!.smallestKey };
    expect(verifyTable(stored, tooLow, environment)).toEqual([
      expect.stringMatching(/^T5 .*are not shortened from/),
    ]);
    const { position, ...exact } = table!;
    expect(verifyTable(stored, exact, environment)).toContainEqual(
      expect.stringMatching(/^T5 .*smallest key is/),
    );
    const alike = tables.map((each) =>
      each === other ? { ...each, ...(position !== undefined && { position }) } : each,
    );
    expect(verifyVersion({ ...partition, tables: alike })).toEqual([
      expect.stringMatching(/V2: .* overlaps /),
    ]);
  });
});
