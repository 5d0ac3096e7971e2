/**
 * The estimated bill as a table: what was observed, a month that goes on like it, and an idle month,
 * in which only storage costs. From `GET /jobs/{job}/cost`.
 */
import { createTable } from "./create-table.ts";
import { formatBytes, formatCount, formatDollars } from "./format.ts";

export interface Bill {
  readonly observed_ms: number;
  readonly observed_operations: { readonly requests: number };
  readonly meters: Readonly<Record<string, Meter>>;
  readonly total_usd: number;
}

export interface Meter {
  /** Of a month of 30 days. */
  readonly quantity: number;
  readonly unit: string;
  readonly usd: number;
}

const MONTH_MS = 30 * 24 * 3_600_000;

const names: Readonly<Record<string, string>> = {
  r2_storage: "R2 storage",
  r2_class_a: "R2 Class A (put, list)",
  r2_class_b: "R2 Class B (get, head)",
  durable_object_requests: "Durable Object requests",
  durable_object_duration: "Durable Object duration",
  rows_written: "SQLite rows written",
  queue_operations: "Queue operations",
  subrequests: "HTTP requests of sinks",
};

export function billTable(bill: Bill): string {
  const { meters, total_usd } = bill;
  const share = observedShare(bill);
  const table = createTable({
    head: ["meter", "so far", "", "a month like this", "an idle month"],
    colAligns: ["left", "right", "right", "right", "right"],
  });
  let soFar = 0;
  for (const [id, meter] of Object.entries(meters)) {
    soFar += meter.usd * share;
    table.push([
      names[id] ?? id,
      quantityOf(id, meter, share),
      formatDollars(meter.usd * share),
      formatDollars(meter.usd),
      formatDollars(id === "r2_storage" ? meter.usd : 0),
    ]);
  }
  const idle = meters["r2_storage"]?.usd ?? 0;
  table.push(["total", "", formatDollars(soFar), formatDollars(total_usd), formatDollars(idle)]);
  return table.toString();
}

/** Of the projected month, which takes a first moment for a whole minute: what was counted says how much it is. */
function observedShare({ meters, observed_ms, observed_operations }: Bill): number {
  const { requests } = observed_operations;
  const projected = meters["durable_object_requests"]?.quantity ?? 0;
  return Math.min(1, projected > 0 ? requests / projected : observed_ms / MONTH_MS);
}

function quantityOf(id: string, { quantity, unit }: Meter, share: number): string {
  if (id === "r2_storage") return `${formatBytes(quantity * 1e9)} stored`;
  return `${formatCount(quantity * share)} ${unit}`;
}
