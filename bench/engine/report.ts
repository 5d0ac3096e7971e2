/**
 * Runs the works by turns, one process at a time, and prints each row of what the engine promises as a
 * ratio. A ratio is the median over the rounds of (other side / Weir), each pair measured one after the
 * other, so that a machine that slows down slows both.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import Table from "cli-table3";
import { median } from "../median.ts";
import type { Figures } from "./figures.ts";
import { measureCounterUpserts } from "./sqlite-counters.ts";
import { measureColdReads } from "./cold-reads.ts";
import { measureAmplification } from "./amplification.ts";
import type { WorkName } from "./works.ts";

interface Row {
  readonly title: string;
  readonly work: WorkName;
  /** Of Weir; of the other side too, unless `otherFigure` names another. */
  readonly figure: string;
  readonly otherFigure?: string;
  readonly atLeast: number;
}

const rows: readonly Row[] = [
  {
    title: "1 M puts, flushed, compacted: CPU, no codec",
    work: "plainPuts",
    figure: "cpu",
    atLeast: 1.5,
  },
  { title: "… zstd against snappy", work: "compressedPuts", figure: "cpu", atLeast: 1.5 },
  { title: "put path alone: wall time", work: "putPath", figure: "wall", atLeast: 4 },
  {
    title: "gets from tables, uniform: CPU, getSync",
    work: "tableGets",
    figure: "uniform",
    atLeast: 2,
  },
  {
    title: "… getMany",
    work: "tableGets",
    figure: "uniform",
    otherFigure: "uniformMany",
    atLeast: 2,
  },
  { title: "… Zipf, getSync", work: "tableGets", figure: "zipf", atLeast: 2 },
  {
    title: "… Zipf, getMany",
    work: "tableGets",
    figure: "zipf",
    otherFigure: "zipfMany",
    atLeast: 2,
  },
  {
    title: "gets from a memtable of 20,000, uniform, getSync",
    work: "smallMemtableGets",
    figure: "uniform",
    atLeast: 5,
  },
  {
    title: "… getMany",
    work: "smallMemtableGets",
    figure: "uniform",
    otherFigure: "uniformMany",
    atLeast: 5,
  },
  { title: "… Zipf, getSync", work: "smallMemtableGets", figure: "zipf", atLeast: 5 },
  {
    title: "gets from a memtable of 1 M, uniform, getSync",
    work: "memtableGets",
    figure: "uniform",
    atLeast: 5,
  },
  { title: "… Zipf, getSync", work: "memtableGets", figure: "zipf", atLeast: 5 },
  { title: "full scan: CPU, nextv", work: "fullScan", figure: "scan", atLeast: 3 },
  { title: "1 M counter increments: CPU", work: "counters", figure: "cpu", atLeast: 10 },
];

export interface EngineBenchmarkOptions {
  readonly rounds: number;
  /** 1: a million entries. */
  readonly scale: number;
  /** State opened and read cold, MiB. */
  readonly stateMebibytes: number;
}

export async function printEngineBenchmark(options: EngineBenchmarkOptions): Promise<void> {
  const { rounds, scale } = options;
  console.log(
    `State engine against LevelDB (classic-level), ${rounds} rounds by turns, scale ${scale}.\n`,
  );
  for (const work of new Set(rows.map((row) => row.work))) {
    const measured = await measure(work, rounds, scale);
    // Each as soon as it is known: all together take a while.
    const table = new Table({ head: ["work", "LevelDB", "Weir", "ratio (min–max)", "at least"] });
    for (const row of rows) if (row.work === work) table.push(cells(row, measured));
    console.log(table.toString());
  }
  await measureCounterUpserts(options).then((text) => console.log(text));
  await measureAmplification(scale).then((text) => console.log(text));
  await measureColdReads(options.stateMebibytes).then((text) => console.log(text));
}

interface Measured {
  readonly weir: readonly Figures[];
  readonly level: readonly Figures[];
}

async function measure(work: WorkName, rounds: number, scale: number): Promise<Measured> {
  const weir: Figures[] = [];
  const level: Figures[] = [];
  for (let round = 0; round < rounds; round++) {
    level.push(await oneSide(work, "level", scale));
    weir.push(await oneSide(work, "weir", scale));
  }
  return { weir, level };
}

async function oneSide(work: WorkName, side: "weir" | "level", scale: number): Promise<Figures> {
  const script = fileURLToPath(new URL("one-side.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    work,
    side,
    String(scale),
  ]);
  return JSON.parse(stdout) as Figures;
}

function cells(row: Row, { weir, level }: Measured): string[] {
  const own = weir.map((figures) => figures[row.figure]!);
  const others = level.map((figures) => figures[row.otherFigure ?? row.figure]!);
  const ratios = others.map((other, round) => other / own[round]!);
  return [
    row.title,
    `${median(others).toFixed(0)} ms`,
    `${median(own).toFixed(0)} ms`,
    `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
    `${row.atLeast}`,
  ];
}
