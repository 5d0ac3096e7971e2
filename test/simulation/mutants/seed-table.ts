/** The table of mutants in docs/correctness.md: which seed kills each. Read by the test that checks it, which can write it anew. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Mutant } from "./mutant.ts";

const PAGE = new URL("../../../docs/correctness.md", import.meta.url);
const COLUMNS = ["Mutant", "Where", "Rule", "Seed"] as const;
const TABLE = /^\| Mutant .*(?:\n\|.*)*/m;

type Row = readonly [name: string, where: string, rule: string, seed: string];

/** The rows as they stand in the docs. */
export function documentedRows(): readonly Row[] {
  const [table] = TABLE.exec(readFileSync(PAGE, "utf8"))!;
  return table
    .split("\n")
    .slice(2)
    .map((line) => {
      const [, name = "", where = "", rule = "", seed = ""] = line.split("|");
      return [name.trim(), where.trim(), rule.trim(), seed.trim()];
    });
}

export function rowOf({ kind, name, rule }: Mutant, seed: number): Row {
  return [name, kind, String(rule), String(seed)];
}

/** Takes the place of the table in the docs. */
export function writeRows(rows: readonly Row[]): void {
  const widths = COLUMNS.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]!.length)),
  );
  const lineOf = (cells: readonly string[], fill = " "): string =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index]!, fill)).join(" | ")} |`;
  const dashes = lineOf(["-", "-", "-", "-"], "-");
  const table = [lineOf(COLUMNS), dashes, ...rows.map((row) => lineOf(row))].join("\n");
  writeFileSync(
    PAGE,
    readFileSync(PAGE, "utf8").replace(TABLE, () => table),
  );
}
