/** Pages of state against a sorted list of the same entries. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { compareKeys } from "../../../state-engine/bytes/compare.ts";
import { decodeInt64, encodeInt64, stateKey } from "../../../state-engine/index.ts";
import type { KeyedState } from "../../../dataflow/keyed/keyed-states.ts";
import type { StatePage } from "../../../dataflow/keyed/page-builder.ts";
import {
  readValue,
  scanByKey,
  scanByValue,
  scanKey,
  type StateScan,
  type StateView,
} from "../../../dataflow/keyed/state-reader.ts";
import { aliveElements } from "../../../dataflow/state/list-elements.ts";
import { encodeTimestamp } from "../../../dataflow/time/timestamp.ts";

const counts: KeyedState = {
  name: "counts",
  kind: "count",
  id: 1,
  keyType: "string",
  valueType: "int64",
  isList: false,
};
const time = { processing: 0, event: -Infinity };
const keyGroups = { first: 2, last: 4 };

interface Entry {
  readonly keyGroup: number;
  readonly key: string;
  readonly value: bigint;
}

/** A sorted list that pages like the engine, a few entries at a time. */
function viewOf(entries: readonly Entry[], pageEntries: number): StateView {
  const sorted = entries
    .flatMap(({ keyGroup, key, value }) => [
      { key: stateKey(keyGroup, 1, new TextEncoder().encode(key)), value: encodeInt64(value) },
      // Another state's entry, which must never be seen.
      { key: stateKey(keyGroup, 2, new TextEncoder().encode(key)), value: encodeInt64(77) },
    ])
    .toSorted((left, right) => compareKeys(left.key, right.key));
  return {
    get: async (key) => sorted.find((entry) => compareKeys(entry.key, key) === 0)?.value,
    scan: async ({ start, end }) => {
      const inside = sorted.filter(
        (entry) => compareKeys(entry.key, start!) >= 0 && compareKeys(entry.key, end!) < 0,
      );
      const next = inside[pageEntries];
      const page = inside.slice(0, pageEntries);
      return next === undefined ? { entries: page } : { entries: page, next: { start: next.key } };
    },
  };
}

async function allPages(
  read: (scan: StateScan) => Promise<StatePage>,
  scan: StateScan,
): Promise<StatePage["entries"][]> {
  const pages: StatePage["entries"][] = [];
  let cursor: string | undefined;
  do {
    const page = await read(cursor === undefined ? scan : { ...scan, cursor });
    pages.push(page.entries);
    cursor = page.next;
  } while (cursor !== undefined);
  return pages;
}

const entryLists = fc
  .array(
    fc.record({
      key: fc.oneof(fc.constantFrom("", "a", "ab", "abc", "b"), fc.string({ maxLength: 4 })),
      value: fc.oneof(
        fc.bigInt(-3n, 3n),
        fc.bigInt(2n ** 62n, 2n ** 62n + 3n),
        fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      ),
      keyGroup: fc.integer({ min: keyGroups.first, max: keyGroups.last }),
    }),
    { maxLength: 30 },
  )
  .map((entries) => [...new Map(entries.map((entry) => [entry.key, entry])).values()]);

const scanShape = fc.record({
  limit: fc.integer({ min: 1, max: 7 }),
  prefix: fc.constantFrom("", "a", "ab"),
  pageEntries: fc.integer({ min: 1, max: 5 }),
});

function inUtf8(left: string, right: string): number {
  return compareKeys(new TextEncoder().encode(left), new TextEncoder().encode(right));
}

it("pages through every entry once, by key group and key, and with a prefix", async () => {
  await fc.assert(
    fc.asyncProperty(entryLists, scanShape, async (entries, { limit, prefix, pageEntries }) => {
      const view = viewOf(entries, pageEntries);
      const pages = await allPages((scan) => scanByKey(view, scan), {
        state: counts,
        time,
        keyGroups,
        prefix,
        limit,
      });
      const wanted = entries
        .filter((entry) => entry.key.startsWith(prefix))
        .toSorted((a, b) => a.keyGroup - b.keyGroup || inUtf8(a.key, b.key))
        .map(({ key, value }) => ({ key: JSON.stringify(key), value: value.toString() }));
      expect(pages.flat()).toEqual(wanted);
      for (const page of pages.slice(0, -1)) expect(page).toHaveLength(limit);
    }),
  );
});

it("pages from the largest value down, equal values by key, exactly beyond 2^53", async () => {
  await fc.assert(
    fc.asyncProperty(entryLists, scanShape, async (entries, { limit, prefix, pageEntries }) => {
      const view = viewOf(entries, pageEntries);
      const pages = await allPages((scan) => scanByValue(view, scan), {
        state: counts,
        time,
        keyGroups,
        prefix,
        limit,
      });
      const wanted = entries
        .filter((entry) => entry.key.startsWith(prefix))
        .toSorted((a, b) =>
          a.value === b.value ? inUtf8(a.key, b.key) : a.value > b.value ? -1 : 1,
        )
        .map(({ key, value }) => ({ key: JSON.stringify(key), value: value.toString() }));
      expect(pages.flat()).toEqual(wanted);
    }),
  );
});

it("[rule 41] ends a page before 4 MiB and goes on from there", async () => {
  const entries = Array.from({ length: 60 }, (_, index) => ({
    keyGroup: 3,
    key: `${index}`.padStart(2, "0").padEnd(100_000, "x"),
    value: 1n,
  }));
  const view = viewOf(entries, 1000);
  const scan = { state: counts, time, keyGroups, prefix: "", limit: 1000 };
  for (const read of [scanByKey, scanByValue]) {
    const pages = await allPages((one) => read(view, one), scan);
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flat()).toHaveLength(60);
    for (const page of pages) {
      expect(JSON.stringify(page).length).toBeLessThan(4 * 1024 * 1024);
    }
  }
});

it("reads one value, and refuses a cursor that is not its own", async () => {
  const view = viewOf([{ keyGroup: 2, key: "a", value: 2n ** 60n }], 1);
  const key = new TextEncoder().encode("a");
  expect(await readValue(view, { state: counts, time, keyGroup: 2, key })).toEqual({
    json: "1152921504606846976",
  });
  expect(await readValue(view, { state: counts, time, keyGroup: 3, key })).toBeUndefined();
  const scan = { state: counts, time, keyGroups, prefix: "", limit: 1, cursor: "k.00zz" };
  await expect(scanByKey(view, scan)).rejects.toThrow("Next-Cursor");
  await expect(scanByValue(view, { ...scan, cursor: "k.0002" })).rejects.toThrow("Next-Cursor");
});

it("[RD8] pages of a list whose elements expire miss none alive, whatever was removed before them meanwhile", async () => {
  const list: KeyedState = { ...counts, kind: "list", isList: true, ttl: "processing" };
  // Two of each deadline, and all with one value of two.
  const elements = Array.from({ length: 12 }, (_, index) => ({
    deadline: 100 + (index >> 1),
    bytes: encodeInt64(index % 2),
  }));
  const stored = new Uint8Array(
    Buffer.concat(
      elements.flatMap(({ deadline, bytes }) => [
        encodeTimestamp(deadline),
        Uint8Array.of(bytes.length),
        bytes,
      ]),
    ),
  );
  const key = new TextEncoder().encode("k");
  const read = { state: list, keyGroup: 2, key, limit: 1 };
  for (const end of [99, 101, 103, 104]) {
    let now = 99;
    let value: Uint8Array = stored;
    let cursor: string | undefined;
    const seen: string[] = [];
    do {
      const view: StateView = { get: async () => value, scan: async () => ({ entries: [] }) };
      const from = cursor === undefined ? {} : { cursor };
      const at = { processing: now, event: -Infinity };
      const page = await scanKey(view, { ...read, time: at, ...from });
      seen.push(...page.entries.map((entry) => entry.value!));
      cursor = page.next;
      // Between two pages some expire, and are removed.
      if (seen.length === 3) [now, value] = [end, aliveElements(stored, end)];
    } while (cursor !== undefined);
    const later = elements.slice(3).filter(({ deadline }) => deadline > end);
    const wanted = [...elements.slice(0, 3), ...later];
    expect(seen).toEqual(wanted.map(({ bytes }) => decodeInt64(bytes).toString()));
  }
});
