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
  /** Where Weir's time goes, from profiles of the work. */
  readonly spentOn: string;
}

export const rows: readonly Row[] = [
  {
    title: "puts, flushed, compacted, no codec: CPU",
    work: "plainPuts",
    figure: "cpu",
    atLeast: 1.5,
    spentOn:
      "Over half goes into compactions (an entry is written 3.2 times), a quarter into flushes.",
  },
  {
    title: "puts, flushed, compacted, zstd against snappy: CPU",
    work: "compressedPuts",
    figure: "cpu",
    atLeast: 1.5,
    spentOn:
      "Two fifths go into compactions, a quarter into flushes, a sixth into zstd, which makes a context a block.",
  },
  {
    title: "put path alone, write buffer of 512 MiB: wall",
    work: "putPath",
    figure: "wall",
    atLeast: 4,
    spentOn: "Almost all goes into copying keys and values into the arena and growing it.",
  },
  {
    title: "put path alone, LevelDB's usual write buffer of 4 MiB: wall",
    work: "putPath",
    figure: "wall",
    otherFigure: "wallUsualBuffer",
    atLeast: undefined,
    spentOn: "",
  },
  ...getRows(
    "tableReads",
    "gets from tables",
    2,
    "It waits for memory: two fifths in the block's index, a fifth each in the block and above it.",
  ),
  {
    title: "full scan, nextv: CPU",
    work: "tableReads",
    figure: "scan",
    atLeast: 3,
    spentOn: "A quarter unfolds blocks, as much copies into the page.",
  },
  ...getRows(
    "largeMemtableGets",
    "gets from a memtable of 1 M",
    5,
    "It waits for memory: the slot of the index, then the record and the key at once.",
  ),
  ...getRows(
    "smallMemtableGets",
    "gets from a memtable of 20,000",
    5,
    "Half goes into the index of keys, a fifth into the view of the value.",
  ),
  {
    title: "counter increments: CPU",
    work: "counters",
    figure: "cpu",
    atLeast: 10,
    spentOn: "Almost all goes into the index of keys of the memtable.",
  },
];

function getRows(work: WorkName, title: string, atLeast: number, spentOn: string): Row[] {
  const bar = { work, atLeast, spentOn };
  return [
    { ...bar, title: `${title}, uniform, getSync: CPU`, figure: "uniform" },
    {
      ...bar,
      title: `${title}, uniform, getMany: CPU`,
      figure: "uniform",
      otherFigure: "uniformMany",
    },
    { ...bar, title: `${title}, Zipf, getSync: CPU`, figure: "zipf" },
    { ...bar, title: `${title}, Zipf, getMany: CPU`, figure: "zipf", otherFigure: "zipfMany" },
  ];
}
