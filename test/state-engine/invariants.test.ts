/**
 * What is checked before a version is written down: each numbered invariant is refused when it is broken, and what
 * breaks none passes.
 */
import { describe, expect, test } from "vitest";
import { Table } from "../../state-engine/sst/table.ts";
import { checkInvariants } from "../../state-engine/version/invariants.ts";
import { BOTTOM_LEVEL, makeRun } from "../../state-engine/version/version.ts";
import type { Run } from "../../state-engine/version/version.ts";
import type { TableReference } from "../../state-engine/version/table-reference.ts";
import { MemoryBlobStore } from "../../state-engine/index.ts";
import { openEngine, testEnvironment } from "./engine-fixture.ts";
import { tableReference } from "./table-reference-fixture.ts";

const SEQUENCE = 100;

function table(id: string, changes: Partial<TableReference> = {}): Table {
  return new Table(tableReference(id, changes), "confirmed");
}

const later = { smallestKey: "0002000161", largestKey: "000200016f" };

/** Names the invariant that is broken, or nothing. */
function broken(...runs: readonly Run[]): string | undefined {
  try {
    checkInvariants({ runs }, SEQUENCE);
    return undefined;
  } catch (error) {
    return /V\d(?=:)/.exec(String(error))?.[0] ?? String(error);
  }
}

test("tables that a clip makes begin alike keep their order", () => {
  const keyGroups = { first: 4, last: 7 };
  // Deletes up to its largest key, exclusively; of the keys behind the clip it holds none.
  const before = { keyGroups, smallestKey: "00000001ff", largestKey: "0004", position: 1 };
  const after = { keyGroups, smallestKey: "0004", largestKey: "00040002" };
  expect(broken(makeRun(1, 1, [table("b", after), table("a", before)]))).toBeUndefined();
});

describe("a version", () => {
  test("that keeps them all passes, a range deleted up to the next table's first key included", () => {
    const upToNext = table("a", { largestKey: later.smallestKey });
    const runs = [
      makeRun(0, 4, [table("c")]),
      makeRun(0, 3, []),
      makeRun(1, 2, [upToNext, table("b", later)]),
      makeRun(BOTTOM_LEVEL, 1, [table("d")]),
    ];
    expect(broken(...runs)).toBeUndefined();
  });

  test("whose runs are out of order, by level or by age, or that has one twice, breaks V1", () => {
    const older = makeRun(0, 1, [table("a")]);
    const newer = makeRun(0, 2, [table("b")]);
    const below = makeRun(1, 1, [table("c")]);
    expect(broken(newer, older, below)).toBeUndefined();
    expect([broken(older, newer), broken(below, newer), broken(older, older)]).toEqual([
      "V1",
      "V1",
      "V1",
    ]);
  });

  test("with tables of one run that overlap or stand the wrong way round breaks V2", () => {
    expect(broken(makeRun(0, 1, [table("a"), table("b")]))).toBe("V2");
    const run = makeRun(0, 1, [table("a"), table("b", later)]);
    const tables = run.tables.toReversed();
    expect(broken({ ...run, tables, lowers: run.lowers.toReversed() })).toBe("V2");
  });

  test("whose tables overlap in the prefix that their bounds were shortened to passes, in the order of their positions alone", () => {
    const cut = (id: string, position: number | undefined, changes = {}): Table =>
      table(id, {
        smallestKey: "0001000161",
        largestKey: "0001000162",
        ...(position !== undefined && { position }),
        ...changes,
      });
    const before = table("a", { smallestKey: "0001000111", largestKey: "0001000161" });
    const behind = table("e", { smallestKey: "0001000162", largestKey: "0001000163" });
    const run = (...tables: readonly Table[]): string | undefined => broken(makeRun(0, 1, tables));
    expect(run(behind, cut("d", 3), before, cut("b", 1), cut("c", 2))).toBeUndefined();
    expect(run(cut("b", 1), cut("c", 1))).toBe("V2");
    expect(run(cut("b", 1), cut("c", undefined))).toBe("V2");
    expect(run(cut("b", 1, { largestKey: "0001000163" }), cut("c", 2))).toBe("V2");
    const ordered = makeRun(0, 1, [cut("b", 1), cut("c", 2)]);
    expect(broken({ ...ordered, tables: ordered.tables.toReversed() })).toBe("V2");
  });

  test("with two runs at the bottom breaks V3", () => {
    const bottom = (run: number, id: string): Run => makeRun(BOTTOM_LEVEL, run, [table(id)]);
    expect(broken(bottom(2, "b"), bottom(1, "a"))).toBe("V3");
  });

  test("with a table whose keys lie outside its key groups breaks V4", () => {
    expect(broken(makeRun(0, 1, [table("a", { keyGroups: { first: 2, last: 7 } })]))).toBe("V4");
  });

  test("with a write above its own last one breaks V5", () => {
    const atLast = table("a", { largestSequence: SEQUENCE });
    const above = table("a", { largestSequence: SEQUENCE + 1 });
    expect([broken(makeRun(0, 1, [atLast])), broken(makeRun(0, 1, [above]))]).toEqual([
      undefined,
      "V5",
    ]);
  });

  test("that shows one key group of a table twice breaks V6; disjoint parts of a table do not", () => {
    const wide = { smallestKey: "0000000161", largestKey: "000700016f" };
    const part = (first: number, last: number): Table =>
      table("a", { ...wide, keyGroups: { first, last } });
    expect(broken(makeRun(0, 2, [part(0, 3)]), makeRun(0, 1, [part(3, 7)]))).toBe("V6");
    expect(broken(makeRun(0, 2, [part(0, 3)]), makeRun(0, 1, [part(4, 7)]))).toBeUndefined();
  });
});

describe("a version in the middle of a compaction", () => {
  test("whose bottom was narrowed twice to the same key lists first what ends there", () => {
    const key = new Uint8Array(Buffer.from("00040003", "hex"));
    const keyGroups = { first: 0, last: 7 };
    const bounds = (smallestKey: string, largestKey: string, position: number) =>
      tableReference(`${position}`, { keyGroups, smallestKey, largestKey, position });
    // Of the earlier compaction: its last output, whose end was shortened, and what it has left.
    const output = new Table(bounds("0004000161", "00040003", 1), "confirmed");
    const rest = new Table(bounds("0000000161", "00070001fe", 0), "confirmed");
    const bottom = makeRun(
      BOTTOM_LEVEL,
      1,
      [rest, output],
      new Map([
        [rest, key],
        [output, key],
      ]),
    );
    expect(bottom.tables).toEqual([output, rest]);
    expect(broken(bottom)).toBeUndefined();
  });

  test("with a table of which a compaction has left nothing breaks V4, and what it has left may begin where the table before ends", () => {
    const [before, cut] = [table("a"), table("b", { largestKey: later.largestKey })];
    const from = (key: string): ReadonlyMap<Table, Uint8Array> =>
      new Map([[cut, new Uint8Array(Buffer.from(key, "hex"))]]);
    const narrowed = (key: string): Run => makeRun(0, 1, [before, cut], from(key));
    expect(broken(narrowed("0001000170"))).toBeUndefined();
    expect(broken(narrowed("000100016a"))).toBe("V2");
    expect(broken(narrowed("000200016f01"))).toBe("V4");
  });
});

test("a version that breaks an invariant is not written down: nothing is uploaded, and the error says which", async () => {
  const environment = testEnvironment();
  const blobStore = new MemoryBlobStore(environment);
  const tables = [tableReference("a"), tableReference("b")];
  const engine = openEngine({ environment, blobStore, from: { tables, sequence: SEQUENCE } });
  const key = Uint8Array.of(0, 1, 0, 1, 5);
  engine.put(key, 0, key.length, key, 0, 1);
  const persisted = engine.persist(engine.freeze(), { mode: "incremental", inlineLimitBytes: 0 });
  await expect(persisted).rejects.toThrow(/V2: b overlaps a/);
  await expect(blobStore.list("")).resolves.toEqual([]);
});
