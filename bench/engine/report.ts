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
import { rows } from "./rows.ts";
import type { Row } from "./rows.ts";
import { works } from "./works.ts";
import type { WorkName } from "./works.ts";

export interface EngineBenchmarkOptions {
  readonly rounds: number;
  /** 1: a million entries. */
  readonly scale: number;
  /** State opened and read cold, MiB. */
  readonly stateMebibytes: number;
  /** Names of the parts to run; all when undefined. */
  readonly parts: readonly string[] | undefined;
}

/** Parts that are not a work of two sides. */
const others = {
  sqliteCounters: (options: EngineBenchmarkOptions) => measureCounterUpserts(options),
  amplification: ({ scale }: EngineBenchmarkOptions) => measureAmplification(scale),
  coldReads: ({ stateMebibytes }: EngineBenchmarkOptions) => measureColdReads(stateMebibytes),
};

/** The parts by name, in the order they run. */
export const engineBenchmarkParts: readonly string[] = [
  ...Object.keys(works),
  ...Object.keys(others),
];

export async function printEngineBenchmark(options: EngineBenchmarkOptions): Promise<void> {
  const { rounds, scale, parts = engineBenchmarkParts } = options;
  console.log(
    `State engine against LevelDB (classic-level), ${rounds} rounds by turns, scale ${scale}.\n` +
      "Medians, microseconds an operation.\n",
  );
  for (const work of Object.keys(works) as WorkName[]) {
    if (!parts.includes(work)) continue;
    const measured = await measure(work, rounds, scale);
    // Each as soon as it is known: all together take ten minutes.
    const table = new Table({ head: ["work", "LevelDB", "Weir", "ratio (min–max)", "at least"] });
    for (const row of rows) if (row.work === work) table.push(cells(row, measured));
    console.log(table.toString());
  }
  for (const [name, run] of Object.entries(others)) {
    if (!parts.includes(name)) continue;
    console.log(await timed(name, () => run(options)));
  }
}

interface Measured {
  readonly weir: readonly Figures[];
  readonly level: readonly Figures[];
}

async function measure(work: WorkName, rounds: number, scale: number): Promise<Measured> {
  const weir: Figures[] = [];
  const level: Figures[] = [];
  for (let round = 0; round < rounds; round++) {
    const label = `${work}, round ${round + 1} of ${rounds}`;
    level.push(await timed(`${label}: LevelDB`, () => oneSide(work, "level", scale)));
    weir.push(await timed(`${label}: Weir`, () => oneSide(work, "weir", scale)));
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

/** Says on the error output what is done and how long it took. */
async function timed<Result>(label: string, work: () => Promise<Result>): Promise<Result> {
  const begin = performance.now();
  const result = await work();
  console.error(`  ${label}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  return result;
}

function cells(row: Row, { weir, level }: Measured): string[] {
  const own = weir.map((figures) => figures[row.figure]!);
  const theirs = level.map((figures) => figures[row.otherFigure ?? row.figure]!);
  const ratios = theirs.map((other, round) => other / own[round]!);
  return [
    row.title,
    median(theirs).toFixed(2),
    median(own).toFixed(2),
    `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)})`,
    row.atLeast === undefined ? "" : bar(row.atLeast, median(ratios)),
  ];
}

function bar(atLeast: number, ratio: number): string {
  return ratio < atLeast ? `${atLeast}: missed` : `${atLeast}`;
}
