/** Tables that look the same in every command; plain where the terminal has no colours. */
import Table from "cli-table3";
import pc from "picocolors";

export interface TableLayout {
  readonly head?: readonly string[];
  readonly colAligns?: readonly ("left" | "right")[];
  /** No lines between rows. Default: true. */
  readonly isDense?: boolean;
}

export function createTable({ head, colAligns, isDense = true }: TableLayout): Table.Table {
  const style = pc.isColorSupported
    ? { head: ["bold"], border: ["gray"] }
    : { head: [], border: [] };
  return new Table({
    style,
    ...(head !== undefined && { head: [...head] }),
    ...(colAligns !== undefined && { colAligns: [...colAligns] }),
    ...(isDense && { chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" } }),
  });
}
