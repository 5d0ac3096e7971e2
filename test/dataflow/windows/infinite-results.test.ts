/** Windows whose least or greatest value is no finite number, or is ranked by one. */
import { expect, test } from "vitest";
import { job } from "../../../dataflow/job.ts";
import { openJobOperator } from "../../../dataflow/testing/open-job-operator.ts";
import { tumblingWindows } from "../../../dataflow/windows/assigners.ts";

interface Reading {
  readonly value: number;
}

const windows = job("readings")
  .lines()
  .map((line): Reading => ({ value: Number(line) }))
  .keyBy(() => "all")
  .window(tumblingWindows(10));
const value = (reading: Reading): number => reading.value;
windows.min("min", value).output("least");
windows.max("max", value).output("most");
windows.minBy("minBy", value).output("lowest");
const built = windows.maxBy("maxBy", value).output("highest");

test.each([Infinity, -Infinity])(
  "[DL1] %d is no result of min and max of a window, and ranks in minBy and maxBy",
  async (infinite) => {
    for (const kind of ["min", "max"]) {
      const harness = openJobOperator<[Reading]>(built, kind);
      await harness.process({ value: 1 }, 1);
      await expect(harness.process({ value: infinite }, 1)).rejects.toThrow(
        `The function of window ${kind} "${kind}" answered ${infinite}, which JSON has no number for`,
      );
    }
    for (const [kind, kept] of [
      ["minBy", Math.min(1, infinite)],
      ["maxBy", Math.max(1, infinite)],
    ] as const) {
      const harness = openJobOperator<[Reading]>(built, kind);
      for (const each of [1, infinite]) await harness.process({ value: each }, 1);
      await harness.processWatermark(10);
      expect(harness.values()).toEqual([{ value: kept }]);
    }
  },
);
