/**
 * Makes requests of a producer idempotent [11, 12]: one row per producer says which sequence is
 * closed, which is open, and how many lines of the open one are in. It is written in the transaction
 * of the segment, so retries and racing attempts agree whatever their cuts.
 *
 * Limit: a producer silent for 7 days is forgotten.
 */
import type { AppendAnswer, AppendRequest } from "../messages.ts";
import type { Sql } from "../object-context.ts";

export const producerExpiryMs = 7 * 24 * 3_600_000;

export interface ProducerRow {
  /** Highest sequence that is wholly in; -1 before the first. */
  readonly closedSequence: number;
  /** The sequence under way, or -1. */
  readonly openSequence: number;
  /** Lines of the open sequence that are in. */
  readonly linesIn: number;
}

export type AppendDecision =
  /** Add the lines of the segment after the first `skip`, and keep `row` (undefined: no producer, nothing to keep). */
  | { readonly kind: "append"; readonly skip: number; readonly row: ProducerRow | undefined }
  | { readonly kind: "answer"; readonly answer: AppendAnswer };

/** What to do with a segment, given its producer's row (undefined: unknown or expired). */
export function decideAppend(
  row: ProducerRow | undefined,
  request: Pick<AppendRequest, "producer" | "fromLine" | "lines" | "last">,
): AppendDecision {
  const { producer, fromLine, lines, last } = request;
  if (producer === undefined) return { kind: "append", skip: 0, row: undefined };
  const { sequence } = producer;
  const closedSequence = row?.closedSequence ?? -1;
  if (sequence <= closedSequence) return { kind: "answer", answer: { kind: "duplicate" } };
  if (sequence > closedSequence + 1) {
    const expectedSequence = closedSequence + 1;
    return { kind: "answer", answer: { kind: "sequenceGap", expectedSequence } };
  }
  const linesIn = row?.openSequence === sequence ? row.linesIn : 0;
  if (fromLine > linesIn) return { kind: "answer", answer: { kind: "lineGap", linesIn } };
  const after: ProducerRow = last
    ? { closedSequence: sequence, openSequence: -1, linesIn: 0 }
    : { closedSequence, openSequence: sequence, linesIn: Math.max(linesIn, fromLine + lines) };
  return { kind: "append", skip: Math.min(lines, linesIn - fromLine), row: after };
}

export class ProducerTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  read(id: string, now: number): ProducerRow | undefined {
    const [row] = this.#sql.exec<{
      closed_sequence: number;
      open_sequence: number;
      lines_in: number;
      last_seen: number;
    }>(
      "SELECT closed_sequence, open_sequence, lines_in, last_seen FROM producers WHERE id = ?",
      id,
    );
    if (row === undefined || row.last_seen + producerExpiryMs <= now) return undefined;
    return {
      closedSequence: row.closed_sequence,
      openSequence: row.open_sequence,
      linesIn: row.lines_in,
    };
  }

  /** Within the segment's transaction. Writes one row. */
  write(id: string, row: ProducerRow, now: number): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO producers VALUES (?, ?, ?, ?, ?)",
      id,
      row.closedSequence,
      row.openSequence,
      row.linesIn,
      now,
    );
  }

  /** Deletes expired rows; answers how many. Reads the whole table, so not for every request. */
  prune(now: number): number {
    const gone = this.#sql.exec(
      "DELETE FROM producers WHERE last_seen <= ? RETURNING last_seen",
      now - producerExpiryMs,
    );
    return gone.length;
  }
}
