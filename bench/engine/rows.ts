/** What the engine promises against LevelDB, row by row. */
import type { WorkName } from "./works.ts";

export interface Row {
  readonly title: string;
  readonly work: WorkName;
  /** Of Weir; of the other side too, unless `otherFigure` names another. */
  readonly figure: string;
  readonly otherFigure?: string;
  /** Undefined: printed for comparison, nothing is promised. */
  readonly atLeast: number | undefined;
}

export const rows: readonly Row[] = [
  {
    title: "puts, flushed, compacted: CPU, no codec",
    work: "plainPuts",
    figure: "cpu",
    atLeast: 1.5,
  },
  { title: "… zstd against snappy", work: "compressedPuts", figure: "cpu", atLeast: 1.5 },
  {
    title: "put path alone: wall, write buffer of 512 MiB",
    work: "putPath",
    figure: "wall",
    atLeast: 4,
  },
  {
    title: "… against its usual one of 4 MiB",
    work: "putPath",
    figure: "wall",
    otherFigure: "wallUsualBuffer",
    atLeast: undefined,
  },
  ...getRows("tableReads", "gets from tables", 2),
  { title: "full scan: CPU, nextv", work: "tableReads", figure: "scan", atLeast: 3 },
  ...getRows("smallMemtableGets", "gets from a memtable of 20,000", 5),
  ...getRows("largeMemtableGets", "gets from a memtable of 1 M", 5),
  { title: "counter increments: CPU", work: "counters", figure: "cpu", atLeast: 10 },
];

function getRows(work: WorkName, title: string, atLeast: number): Row[] {
  return [
    { title: `${title}: CPU, uniform, getSync`, work, figure: "uniform", atLeast },
    { title: "… getMany", work, figure: "uniform", otherFigure: "uniformMany", atLeast },
    { title: "… Zipf, getSync", work, figure: "zipf", atLeast },
    { title: "… Zipf, getMany", work, figure: "zipf", otherFigure: "zipfMany", atLeast },
  ];
}
