/**
 * Brings a query's rows, from a batch or from a job's committed output, into the one form in which the two must
 * be equal: sorted lines of JSON. How depends on what the query emits: rows that stand for ever are compared as
 * a bag; of rows that replace one another the last of each key counts; processing-time windows are summed up.
 */
import type { QueryName } from "../query-names.ts";
import { groupBy } from "./events-of.ts";
import { sumOf } from "./prices.ts";
import type { ResultRow } from "./result-row.ts";

export type ResultMode =
  | { readonly kind: "append" }
  /** A later row replaces the earlier one with equal key fields. */
  | { readonly kind: "update"; readonly keyFields: readonly string[] }
  /** Only the sum of a field per key is the same in every run. */
  | { readonly kind: "sum"; readonly keyFields: readonly string[]; readonly sumField: string };

export const resultModes: Readonly<Record<QueryName, ResultMode>> = {
  q0: { kind: "append" },
  q1: { kind: "append" },
  q2: { kind: "append" },
  q3: { kind: "append" },
  q4: { kind: "update", keyFields: ["category"] },
  q5: { kind: "append" },
  q7: { kind: "append" },
  q8: { kind: "append" },
  q9: { kind: "update", keyFields: ["id"] },
  q11: { kind: "append" },
  q12: { kind: "sum", keyFields: ["bidder"], sumField: "bidCount" },
  q13: { kind: "append" },
  q14: { kind: "append" },
  q15: { kind: "update", keyFields: ["day"] },
  q16: { kind: "update", keyFields: ["channel", "day"] },
  q17: { kind: "update", keyFields: ["auction", "day"] },
  q18: { kind: "update", keyFields: ["bidder", "auction"] },
  q19: { kind: "update", keyFields: ["auction", "rankNumber"] },
  q20: { kind: "append" },
  q21: { kind: "append" },
  q22: { kind: "append" },
  q23: { kind: "append" },
};

/**
 * The lines to compare. `rows` of an update query must be in the order they were emitted, at least per key.
 * Throws an Error for a row without one of the fields its mode names.
 */
export function comparableLines(query: QueryName, rows: readonly ResultRow[]): string[] {
  return comparableRows(resultModes[query], rows)
    .map((row) => JSON.stringify(row))
    .sort();
}

function comparableRows(mode: ResultMode, rows: readonly ResultRow[]): readonly ResultRow[] {
  if (mode.kind === "append") return rows;
  const groups = groupBy(rows, (row) =>
    JSON.stringify(mode.keyFields.map((field) => fieldOf(row, field))),
  );
  if (mode.kind === "update") return [...groups.values()].map((group) => group.at(-1)!);
  return [...groups.values()].map((group) => ({
    ...Object.fromEntries(mode.keyFields.map((field) => [field, fieldOf(group[0]!, field)])),
    [mode.sumField]: sumOf(group.map((row) => Number(fieldOf(row, mode.sumField)))),
  }));
}

function fieldOf(row: ResultRow, field: string): string | number {
  const value = row[field];
  if (value === undefined) {
    throw new Error(`A Nexmark result row lacks the field it is compared by: field=${field}`);
  }
  return value;
}
