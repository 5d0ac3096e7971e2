/**
 * The stages of stages.ts as a table, beside what each may cost if Weir is to keep 0.7 of a plain loop's
 * speed. The targets were measured on a stripped path with the same techniques, on an idle machine with
 * two cores; on another machine, or a busy one, compare stages with each other rather than with them.
 */
import Table from "cli-table3";
import type { StageTimes } from "./stages.ts";

interface StageRow {
  readonly stage: string;
  readonly unit: string;
  readonly time: keyof StageTimes;
  /** Nanoseconds; absent where a stage is listed once more by another unit. */
  readonly natural?: number;
  readonly manyWords?: number;
}

const rows: readonly StageRow[] = [
  { stage: "cut lines", unit: "word", time: "cutPerWord", natural: 5, manyWords: 8 },
  { stage: "decode", unit: "word", time: "decodePerWord", natural: 1, manyWords: 1 },
  {
    stage: "the job's functions",
    unit: "word",
    time: "functionsPerWord",
    natural: 40,
    manyWords: 49,
  },
  { stage: "combine", unit: "word", time: "combinePerWord", natural: 29, manyWords: 74 },
  { stage: "apply", unit: "record", time: "applyPerRecord", natural: 100, manyWords: 125 },
  { stage: "apply", unit: "word", time: "applyPerWord" },
  {
    stage: "sort, write tables",
    unit: "entry",
    time: "persistPerEntry",
    natural: 400,
    manyWords: 400,
  },
  { stage: "sort, write tables", unit: "word", time: "persistPerWord" },
];

export function printStages(texts: { natural: StageTimes; manyWords: StageTimes }): void {
  const table = new Table({
    head: ["stage", "ns per", "natural English", "target", "150,000 distinct words", "target"],
    colAligns: ["left", "left", "right", "right", "right", "right"],
  });
  for (const { stage, unit, time, natural, manyWords } of rows) {
    table.push([
      stage,
      unit,
      texts.natural[time].toFixed(0),
      natural ?? "",
      texts.manyWords[time].toFixed(0),
      manyWords ?? "",
    ]);
  }
  const { natural, manyWords } = texts;
  table.push(["together", "word", together(natural), "", together(manyWords), ""]);
  console.log(table.toString());
}

function together(times: StageTimes): string {
  const parts = rows.filter(({ unit }) => unit === "word").map(({ time }) => times[time]);
  return parts.reduce((sum, part) => sum + part, 0).toFixed(0);
}
