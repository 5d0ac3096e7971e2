/**
 * What holds in every version, by number, checked before each persist. A failure is a bug of ours:
 * better to stop than to write it down.
 *
 * V1 Runs are in order: level ascending, run descending, no two alike.
 * V2 The tables of a run ascend and do not overlap, but in a prefix that their bounds were shortened to.
 * V3 The bottom level holds at most one run.
 * V4 Every table has something to show: its clip, its key range and what a compaction has left of it meet.
 * V5 No sequence is above the engine's.
 * V6 No table is listed twice with key groups that meet.
 */
import { assert } from "../assert.ts";
import { compareKeys } from "../bytes/compare.ts";
import { overlapInPrefix } from "./key-bounds.ts";
import type { KeyGroupRange } from "./table-reference.ts";
import { intersectKeyGroups, successor } from "../sst/table.ts";
import { BOTTOM_LEVEL } from "./version.ts";
import type { Version } from "./version.ts";

export function checkInvariants(version: Version, sequence: number): void {
  const { runs } = version;
  const seen = new Map<string, KeyGroupRange[]>();
  runs.forEach((run, index) => {
    const previous = runs[index - 1];
    assert(
      previous === undefined ||
        previous.level < run.level ||
        (previous.level === run.level && previous.run > run.run),
      `V1: run ${run.level}/${run.run} stands after ${previous?.level}/${previous?.run}`,
    );
    assert(
      run.level < BOTTOM_LEVEL || index === runs.length - 1,
      `V3: run ${run.level}/${run.run} is at the bottom and not the last`,
    );
    run.tables.forEach((table, position) => {
      const { id, keyGroups, largestSequence } = table.description;
      const lower = run.lowers[position]!;
      const before = run.tables[position - 1];
      assert(compareKeys(lower, table.upper) < 0, `V4: ${id} shows nothing`);
      // A deleted range may end, exclusively, at the next table's first key.
      assert(
        before === undefined ||
          compareKeys(before.upper, successor(lower)) <= 0 ||
          overlapInPrefix(before, table),
        `V2: ${id} overlaps ${before?.description.id}`,
      );
      assert(
        largestSequence <= sequence,
        `V5: ${id} has sequence ${largestSequence} > ${sequence}`,
      );
      const others = seen.get(id) ?? [];
      for (const other of others) {
        assert(intersectKeyGroups(other, keyGroups) === undefined, `V6: ${id} is listed twice`);
      }
      seen.set(id, [...others, keyGroups]);
    });
  });
}
