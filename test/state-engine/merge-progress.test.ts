/**
 * Which merge a restored version shows as unfinished, and when it shows none that could be gone on with.
 */
import { describe, expect, test } from "vitest";
import {
  beginMerge,
  findUnfinishedMerge,
  takeOver,
} from "../../state-engine/compaction/merge-progress.ts";
import { encodeHex } from "../../state-engine/bytes/text.ts";
import { Table } from "../../state-engine/sst/table.ts";
import { openVersion } from "../../state-engine/version/open-version.ts";
import type { TableReference } from "../../state-engine/version/table-reference.ts";
import { BOTTOM_LEVEL, makeRun, makeVersion } from "../../state-engine/version/version.ts";
import type { Run } from "../../state-engine/version/version.ts";
import { tableReference } from "./table-reference-fixture.ts";

const KEY_GROUPS = { first: 0, last: 7 };

/** A table of the keys from one letter to another, in key group 1. */
function table(letters: string, changes: Partial<TableReference> = {}): Table {
  const [smallestKey, largestKey] = [hexOf(letters.at(0)!), hexOf(letters.at(-1)!)];
  return new Table(tableReference(letters, { smallestKey, largestKey, ...changes }), "confirmed");
}

function hexOf(letter: string): string {
  return encodeHex(keyOf(letter));
}

function keyOf(letter: string): Uint8Array {
  return Uint8Array.of(0, 1, 0, 1, letter.charCodeAt(0));
}

/** "a-z>m": the table a-z of which what is below m was taken over. */
function run(level: number, number: number, ...names: string[]): Run {
  const marks = new Map<Table, Uint8Array>();
  const tables = names.map((name) => {
    const [letters, from] = name.split(">");
    const each = table(letters!);
    if (from !== undefined) marks.set(each, keyOf(from));
    return each;
  });
  return makeRun(level, number, tables, marks);
}

function drawn(runs: readonly Run[] | undefined): string[] | undefined {
  return runs?.map(({ level, tables, lowers, narrowed }) => {
    const each = tables.map((one, index) => {
      const lower = String.fromCharCode(lowers[index]!.at(-1)!);
      return narrowed.has(one) ? `${one.description.id}>${lower}` : one.description.id;
    });
    return `${level}: ${each.join(" ")}`;
  });
}

function found(...runs: readonly Run[]): { inputs?: string[]; outputs: string[] } | undefined {
  const unfinished = findUnfinishedMerge(makeVersion(runs));
  if (unfinished === undefined) return undefined;
  const outputs = unfinished.outputs.map(({ description }) => description.id);
  return { inputs: drawn(unfinished.inputs)!, outputs };
}

describe("A merge under way", () => {
  test("shows what it has finished, and of its inputs what lies behind, in the bottom run as one run", () => {
    const inputs = [run(0, 5, "a-z"), run(0, 4, "b-c", "e-x"), run(BOTTOM_LEVEL, 1, "a-g", "h-z")];
    const begun = beginMerge(inputs, BOTTOM_LEVEL, 6);
    const first = takeOver(begun, keyOf("d"), [table("a-c")]);
    expect(drawn(first.runs)).toEqual(["0: a-z>d", "0: e-x>e", "6: a-c a-g>d h-z"]);
    const second = takeOver(first, keyOf("k"), [table("d-j")]);
    expect(drawn(second.runs)).toEqual(["0: a-z>k", "0: e-x>k", "6: a-c d-j h-z>k"]);
    expect(drawn(takeOver(second, keyOf("~"), [table("k-z")]).runs)).toEqual(["6: a-c d-j k-z"]);
  });

  test("never widens what an earlier one has left of a table", () => {
    const inputs = [run(0, 5, "a-z"), run(0, 4, "a-z>p")];
    const { runs } = takeOver(beginMerge(inputs, 1, 6), keyOf("d"), [table("a-c")]);
    expect(drawn(runs)).toEqual(["0: a-z>d", "0: a-z>p", "1: a-c"]);
  });
});

describe("A restored version", () => {
  test("without a key to go on from shows no merge", () => {
    expect(found(run(0, 2, "a-z"), run(0, 1, "a-z"))).toBeUndefined();
  });

  test("shows the runs to merge, and the run behind them as what was merged", () => {
    const newer = run(0, 9, "a-z");
    const older = run(2, 1, "a-z");
    const inputs = [run(0, 5, "a-z>k"), run(0, 4, "m-z>k")];
    expect(found(newer, ...inputs, run(1, 6, "a-c", "d-j"), older)).toEqual({
      inputs: ["0: a-z>k", "0: m-z>m"],
      outputs: ["a-c", "d-j"],
    });
  });

  test("shows what the bottom has below the key as what was merged, and the rest to merge", () => {
    const runs = [run(0, 5, "a-z>k"), run(BOTTOM_LEVEL, 1, "a-c", "d-j", "h-p>k", "q-z")];
    expect(found(...runs)).toEqual({
      inputs: ["0: a-z>k", "6: h-p>k q-z"],
      outputs: ["a-c", "d-j"],
    });
  });

  test("shows no merge where joined partitions had not come equally far", () => {
    const apart = run(0, 5, "a-f>c", "h-z>k");
    expect(found(apart, run(1, 6, "a-b"))).toBeUndefined();
    // One of them had none under way: its part of the run is not to be taken for merged.
    expect(found(run(0, 5, "a-f", "h-z>k"), run(1, 6, "g-j"))).toBeUndefined();
  });

  test("shows no merge where the run behind has something above the key: it would not be what was merged", () => {
    expect(found(run(0, 5, "a-z>k"), run(1, 6, "a-c", "l-m"))).toBeUndefined();
    expect(found(run(0, 5, "a-z>k"), run(1, 6, "a-m"))).toBeUndefined();
    expect(found(run(0, 5, "a-z>k"))).toBeUndefined();
  });

  test("forgets a key that lies before its own key groups: nothing of it was merged there", () => {
    const narrowed = { fromKey: hexOf("k"), formatVersion: 2 };
    const later = { smallestKey: "0001000161", largestKey: "0004000161" };
    const listed = [tableReference("a", { ...later, ...narrowed })];
    const [here] = openVersion(listed, KEY_GROUPS).runs;
    expect(here!.narrowed.size).toBe(1);
    const [behind] = openVersion(listed, { first: 2, last: 7 }).runs;
    expect(behind!.narrowed.size).toBe(0);
    expect(openVersion(listed, { first: 0, last: 0 }).runs).toEqual([]);
  });
});
