/**
 * Runs the works by turns, one process at a time, and prints each row of what the engine promises as a
 * ratio, at the end all of them beside what is promised. A ratio is the median over the rounds of
 * (other side / Weir), each pair measured one after the other, so that a machine that slows down slows both.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import Table from "cli-table3";
import { median } from "../median.ts";
import { atLeast, printBars, spread } from "./bars.ts";
import type { Bar } from "./bars.ts";
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

/** What a part that is not a work of two sides found out. */
export interface PartReport {
  readonly text: string;
  readonly bars: readonly Bar[];
}

const others: Record<string, (options: EngineBenchmarkOptions) => Promise<PartReport>> = {
  sqliteCounters: (options) => measureCounterUpserts(options),
  amplification: ({ scale }) => measureAmplification(scale),
  coldReads: ({ stateMebibytes }) => measureColdReads(stateMebibytes),
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
  const bars: Bar[] = [];
  for (const work of Object.keys(works) as WorkName[]) {
    if (!parts.includes(work)) continue;
    const measured = await measure(work, rounds, scale);
    // Each as soon as it is known: all together take ten minutes.
    const table = new Table({ head: ["work", "LevelDB", "Weir", "ratio (min–max)"] });
    for (const row of rows) {
      if (row.work !== work) continue;
      const { cells, ratios } = compared(row, measured);
      table.push(cells);
      if (row.atLeast !== undefined) {
        bars.push(atLeast(row.title, ratios, row.atLeast, row.spentOn));
      }
    }
    console.log(table.toString());
  }
  for (const [name, run] of Object.entries(others)) {
    if (!parts.includes(name)) continue;
    const report = await timed(name, () => run(options));
    console.log(report.text);
    bars.push(...report.bars);
  }
  printBars(bars);
  if (scale !== 1) console.log("The promises are for scale 1.");
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

function compared(
  row: Row,
  { weir, level }: Measured,
): { readonly cells: string[]; readonly ratios: readonly number[] } {
  const own = weir.map((figures) => figures[row.figure]!);
  const theirs = level.map((figures) => figures[row.otherFigure ?? row.figure]!);
  const ratios = theirs.map((other, round) => other / own[round]!);
  const cells = [row.title, median(theirs).toFixed(2), median(own).toFixed(2), spread(ratios)];
  return { cells, ratios };
}
