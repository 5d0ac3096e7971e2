/** What is merged when, from the shapes of the runs alone. */
import { describe, expect, it } from "vitest";
import { pickCompaction } from "../../state-engine/compaction/pick-compaction.ts";
import { DEFAULT_TUNING } from "../../state-engine/options.ts";
import { BOTTOM_LEVEL } from "../../state-engine/version/version.ts";

/** Runs newest first, all of them in objects. */
function runsOf(...shapes: readonly (readonly [level: number, bytes: number])[]) {
  return shapes.map(([level, bytes], index) => ({
    level,
    bytes,
    run: shapes.length - index,
    writtenBytes: bytes,
    entries: bytes,
    deadEntries: 0,
  }));
}

describe("pickCompaction", () => {
  it("merges a full level into the next one", () => {
    const runs = runsOf([0, 10], [0, 10], [0, 10], [0, 10], [BOTTOM_LEVEL, 1000]);
    const choice = pickCompaction(runs, DEFAULT_TUNING);
    expect(choice).toEqual({ first: 0, last: 3, level: 1, kind: "merge" });
  });

  it("merges everything into the bottom once the tiers weigh half of it", () => {
    const runs = runsOf([0, 10], [0, 10], [0, 10], [0, 10], [1, 460], [BOTTOM_LEVEL, 1000]);
    const choice = pickCompaction(runs, DEFAULT_TUNING);
    expect(choice).toEqual({ first: 0, last: 5, level: BOTTOM_LEVEL, kind: "merge" });
  });

  it("merges only as many of a level's oldest runs as may be written anew", () => {
    const runs = runsOf([0, 10], [0, 10], [0, 10], [0, 10], [BOTTOM_LEVEL, 1000]);
    expect(pickCompaction(runs, DEFAULT_TUNING, 35)).toMatchObject({ first: 1, last: 3, level: 1 });
    expect(pickCompaction(runs, DEFAULT_TUNING, 19)).toBeUndefined();
  });

  it("moves a run down, and merges nothing, where one is worth many times the younger ones", () => {
    const runs = runsOf([0, 10], [0, 10], [0, 10], [0, 121], [BOTTOM_LEVEL, 10_000]);
    const move = { first: 3, last: 3, level: 1, kind: "move" };
    expect(pickCompaction(runs, DEFAULT_TUNING)).toEqual(move);
    // A move writes nothing anew: it is always allowed.
    expect(pickCompaction(runs, DEFAULT_TUNING, 0)).toEqual(move);
    const alike = runsOf([0, 10], [0, 10], [0, 10], [0, 120], [BOTTOM_LEVEL, 10_000]);
    expect(pickCompaction(alike, DEFAULT_TUNING)).toMatchObject({
      first: 0,
      last: 3,
      kind: "merge",
    });
  });

  it("leaves the bottom alone in quiet times, however much the tiers weigh", () => {
    const half = runsOf([0, 1], [0, 1], [0, 1], [0, 1], [1, 600], [BOTTOM_LEVEL, 1000]);
    expect(pickCompaction(half, DEFAULT_TUNING, 35)).toMatchObject({ level: 1 });
    const all = runsOf([0, 1], [0, 1], [0, 1], [0, 1], [1, 996], [BOTTOM_LEVEL, 1000]);
    expect(pickCompaction(all, DEFAULT_TUNING, 35)).toMatchObject({ level: 1 });
    expect(pickCompaction(all, DEFAULT_TUNING)).toMatchObject({ level: BOTTOM_LEVEL });
  });

  it("counts what is in memory only as free", () => {
    const runs = runsOf([0, 10], [0, 10], [0, 10], [0, 10], [BOTTOM_LEVEL, 1000]);
    const inMemory = runs.map((run) => ({ ...run, writtenBytes: 0 }));
    expect(pickCompaction(inMemory, DEFAULT_TUNING, 0)).toMatchObject({ first: 0, last: 3 });
  });
});
